"""The wire formats of model servers: OpenAI's chat completions and responses, and Anthropic's messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What a test has the server do with one request.

    Args:
        text: the assistant's; told in the format of the path that was asked.
        status, body, headers: in place of a well-formed reply. Bytes are sent as they are.
        seconds: to wait before it.
        cut: bytes of the body after which the connection is closed.
        finish: how the reply ends, in OpenAI's words: stop, length, content_filter.
        refusal: text in the field that is for refusals.
        usage: False leaves it out.
    """

    text: str | None = ""
    status: int = 200
    body: dict[str, Any] | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: int | None = None
    finish: str = "stop"
    refusal: str | None = None
    usage: bool = True


def error(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    """A refusal as OpenAI words it."""
    body = {"error": {"message": message, "type": code, "code": code}}
    return Reply(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def completion(model: str, text: str | None, reply: Reply = Reply()) -> dict[str, Any]:
    """OpenAI's /v1/chat/completions: 1,000 tokens in, 200 of them cached, 100 out, 40 of them reasoning."""
    message = {"role": "assistant", "content": text, **({"refusal": reply.refusal} if reply.refusal else {})}
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 200},
        "completion_tokens_details": {"reasoning_tokens": 40},
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        **({"usage": usage} if reply.usage else {}),
    }


def response(model: str, text: str | None, reply: Reply = Reply()) -> dict[str, Any]:
    """OpenAI's /v1/responses, with the same figures."""
    part = {"type": "output_text", "text": text, "annotations": []}
    if reply.refusal:
        part = {"type": "refusal", "refusal": reply.refusal}
    cut_short = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": model,
        "status": "completed",
        "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}],
        "usage": {
            "input_tokens": 1000,
            "output_tokens": 100,
            "total_tokens": 1100,
            "input_tokens_details": {"cached_tokens": 200},
            "output_tokens_details": {"reasoning_tokens": 40},
        },
        **(cut_short if reply.finish == "length" else {}),
    }


ANTHROPIC_ENDINGS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def message(model: str, text: str | None, reply: Reply = Reply()) -> dict[str, Any]:
    """Anthropic's /v1/messages, with the same figures; its `input_tokens` are those that were not cached."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": ANTHROPIC_ENDINGS[reply.finish],
        "stop_sequence": None,
        "usage": {"input_tokens": 800, "cache_read_input_tokens": 200, "output_tokens": 100},
    }


FORMATS = {"/chat/completions": completion, "/responses": response, "/messages": message}


def step(code: str, reasoning: str = "Look.") -> str:
    """A reply in the format that dspy's chat adapter asks for."""
    return f"[[ ## reasoning ## ]]\n{reasoning}\n\n[[ ## code ## ]]\n```python\n{code}\n```\n\n[[ ## completed ## ]]"
