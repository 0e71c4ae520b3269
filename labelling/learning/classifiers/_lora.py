"""LoRA: low-rank updates beside a model's frozen linear layers, folded into them after training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SCALE = 2.0  # of the update; alpha = 2 * rank, as is usual


class Adapters:
    """Adds `SCALE * x @ down @ up` to the output of each linear layer among `layers`.

    `up` begins as nought, so that the model is unchanged before training. Hu et al. 2022, "LoRA: Low-rank adaptation
    of large language models" (arXiv:2106.09685). The layers stay as they are: forward hooks add the updates, which
    serves `Linear` as well as GPT-2's transposed `Conv1D`.

    Parameters
    ----------
    layers : dict of module by name.
    rank : int
    generator : torch.Generator on the CPU.
    """

    def __init__(self, layers: dict[str, Any], rank: int, generator: torch.Generator) -> None:
        import torch
        from torch import nn
        from transformers.pytorch_utils import Conv1D

        self.parameters: dict[str, nn.Parameter] = {}
        self._linear: dict[str, tuple[Any, bool]] = {}
        self._hooks: list[Any] = []
        for parent_name, parent in layers.items():
            for name, module in parent.named_modules(prefix=parent_name):
                transposed = isinstance(module, Conv1D)
                if not transposed and not isinstance(module, nn.Linear):
                    continue
                n_in, n_out = module.weight.shape if transposed else reversed(module.weight.shape)
                device = module.weight.device
                down = torch.randn(n_in, rank, generator=generator) / n_in**0.5
                self.parameters[f"{name}.lora_down"] = nn.Parameter(down.to(device))
                self.parameters[f"{name}.lora_up"] = nn.Parameter(torch.zeros(rank, n_out, device=device))
                self._linear[name] = module, transposed
                self._hooks.append(module.register_forward_hook(self._hook(name)))

    def _hook(self, name: str) -> Any:
        def add(module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            down, up = self.parameters[f"{name}.lora_down"], self.parameters[f"{name}.lora_up"]
            return output + SCALE * (inputs[0] @ down) @ up

        return add

    def fold(self) -> None:
        """Add the updates to the weights themselves, and let go of the layers."""
        import torch

        for hook in self._hooks:
            hook.remove()
        with torch.no_grad():
            for name, (module, transposed) in self._linear.items():
                update = SCALE * self.parameters[f"{name}.lora_down"] @ self.parameters[f"{name}.lora_up"]
                module.weight += update if transposed else update.T
        self._hooks.clear()
