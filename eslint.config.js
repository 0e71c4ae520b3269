// The map's scripts are one module in the browser, in the order of SCRIPTS in labelling/ui/map/__init__.py: what one
// file defines the others use. That every name is there, and what it takes, is checked by tsc.
import js from "@eslint/js";

export default [
  { ignores: ["node_modules/", ".venv/"] },
  js.configs.recommended,
  { files: ["labelling/**/*.js"], ignores: ["**/keys.js", "**/mount.js", "**/plotly.js", "**/receive.js"], languageOptions: { sourceType: "script" } },
  {
    linterOptions: { reportUnusedDisableDirectives: true },
    rules: {
      "no-undef": "off",
      "no-unused-vars": ["error", { vars: "local", args: "after-used" }],
      "array-callback-return": "error",
      "consistent-return": "off",
      "eqeqeq": "error",
      "no-constructor-return": "error",
      "no-implied-eval": "error",
      "no-self-compare": "error",
      "no-template-curly-in-string": "error",
      "no-unmodified-loop-condition": "error",
      "no-unreachable-loop": "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Texts are untrusted: use textContent." },
        { property: "outerHTML", message: "Texts are untrusted: use textContent." },
        { property: "insertAdjacentHTML", message: "Texts are untrusted: use textContent." },
      ],
    },
  },
];
