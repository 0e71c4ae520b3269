"""Tiny transformers with random weights, for tests: two families of language models and two of encoders."""

from pathlib import Path
from typing import Any

GENERATIVE = ("gpt2", "llama")
ENCODERS = ("bert", "distilbert")

N_DIMS = 16
N_LAYERS = 2
N_POSITIONS = 64
END = "<|end|>"


def save_model(folder: Path, family: str, *, seed: int = 0, head: str | None = None, **settings: Any) -> Path:
    """A checkpoint of a family with its tokenizer, as transformers saves it; the folder.

    16 dimensions, 2 layers, 64 positions. The tokenizers read bytes, so any text will do. Those of the language models
    have no padding token and their end of text is "<|end|>"; Llama's puts a token before each text, GPT-2's adds
    nothing. `head` is the Auto class it is saved as ("AutoModelForCausalLM", "AutoModel", ...; None is the usual one
    of the family), `settings` are changes to its configuration.
    """
    import torch
    import transformers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if family in ENCODERS else ["<s>", END]
    tokenizer = _tokenizer(special, family)
    size = {"vocab_size": len(tokenizer)}
    if family == "gpt2":
        size |= {"n_embd": N_DIMS, "n_layer": N_LAYERS, "n_head": 2, "n_positions": N_POSITIONS}
        size |= {"bos_token_id": 1, "eos_token_id": 1}
    elif family == "distilbert":
        size |= {"dim": N_DIMS, "n_layers": N_LAYERS, "n_heads": 2, "hidden_dim": 32}
        size |= {"max_position_embeddings": N_POSITIONS, "pad_token_id": 0}
    else:
        size |= {"hidden_size": N_DIMS, "num_hidden_layers": N_LAYERS, "num_attention_heads": 2}
        size |= {"intermediate_size": 32, "max_position_embeddings": N_POSITIONS}
        size |= {"bos_token_id": 0, "eos_token_id": 1} if family == "llama" else {"pad_token_id": 0}
    # Larger weights than the usual ones: the states of different tokens then differ clearly.
    config = transformers.AutoConfig.for_model(family, **{"initializer_range": 0.3, **size, **settings})
    auto = getattr(transformers, head or ("AutoModelForCausalLM" if family in GENERATIVE else "AutoModelForMaskedLM"))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        auto.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(special: list[str], family: str) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*special, *characters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if family == "gpt2":
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
    if family == "llama":
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token=END)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if family == "bert" else [])]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=N_POSITIONS, model_input_names=inputs, **names
    )
