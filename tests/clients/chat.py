"""The official Python client talks to a node: python chat.py URL. Exits with 0 when everything was as it should be."""

import json
import sys

import httpx
from ollama import Client, ResponseError

MODEL = "qwen3.5:latest"
PLAIN = "qwen2.5-coder:7b"
MESSAGES = [{"role": "user", "content": "What do you build, and why at home?"}]

client = Client(host=sys.argv[1])


def whole(model, messages=MESSAGES, think=False, **more):
    return client.chat(model=model, messages=messages, think=think, **more)


def gather(model, heard=None, think=False):
    """The pieces of a streamed answer, and its last line; `heard` keeps the pieces of an answer that breaks off."""
    heard = [] if heard is None else heard
    last = None
    for last in client.chat(model=model, messages=MESSAGES, think=think, stream=True):
        heard.append(last.message.content)
    return "".join(heard), last


def fails(kind, call, status=None, text=""):
    try:
        call()
    except kind as error:
        assert status is None or error.status_code == status, error
        assert text in str(error), error
        return
    raise AssertionError(f"{kind.__name__} was expected")


def listing():
    models = client.list().models
    assert [each.model for each in models] == [MODEL, PLAIN], models
    assert len(models[0].digest) == 64 and models[0].details.family == "qwen35"
    assert models[0].modified_at is not None


def show():
    assert "thinking" in client.show(MODEL).capabilities
    assert "thinking" not in client.show(PLAIN).capabilities
    fails(ResponseError, lambda: client.show("nobody"), 404)


def whole_answer():
    reply = whole(MODEL)
    assert reply.done and reply.done_reason == "stop" and reply.eval_count > 10
    assert reply.message.thinking is None
    assert "—" in reply.message.content and "🔥" in reply.message.content


def ps():
    models = client.ps().models
    assert [each.name for each in models] == [MODEL], models
    assert models[0].expires_at is not None and models[0].size_vram > 0


def streamed_answer():
    text, last = gather(MODEL)
    assert text == whole(MODEL).message.content
    assert last.done and last.done_reason == "stop"


def however_it_is_cut():
    answer = whole(MODEL).message.content
    for cut in ["bytes,pace=0", "joined", "split", "no-newline"]:
        assert gather(f"sim:say,{cut}")[0] == answer, cut


def generate():
    reply = client.generate(model=MODEL, prompt=MESSAGES[0]["content"], think=False)
    assert reply.response == whole(MODEL).message.content and len(reply.context) > 0


def thinking():
    assert whole(MODEL, think=None).message.thinking
    fails(ResponseError, lambda: whole(PLAIN, think=True), 400, "does not support thinking")


def tool_call():
    assert whole("sim:say,tools").message.tool_calls[0].function.arguments == {"a": 1}


def json_answer():
    schema = {"type": "object", "properties": {"subject": {"type": "string"}, "body": {"type": "string"}}}
    assert list(json.loads(whole(MODEL, format=schema).message.content)) == ["subject", "body"]


def load_and_unload():
    assert whole(MODEL, messages=[]).done_reason == "load"
    assert whole(MODEL, messages=[], keep_alive=0).done_reason == "unload"
    assert client.ps().models == []


def errors_instead_of_an_answer():
    fails(ResponseError, lambda: whole("nobody"), 404, "model 'nobody' not found")
    fails(ResponseError, lambda: whole("sim:503"), 503, "please try again.  maximum pending")
    fails(ResponseError, lambda: gather("sim:429"), 429, "rate limit exceeded")
    fails(ResponseError, lambda: whole(MODEL, keep_alive="-1"), 400, "missing unit in duration")


def errors_in_an_answer():
    fails(ResponseError, lambda: gather("sim:error@3"), text="an error was encountered")
    heard = []
    fails(httpx.TransportError, lambda: gather("sim:reset@3", heard))
    assert len(heard) == 3, heard
    # This client does not notice an end without `done`. Whoever relays must.
    _, last = gather("sim:end@3")
    assert not last.done


STEPS = {
    "list": listing,
    "show": show,
    "a whole answer": whole_answer,
    "ps": ps,
    "a streamed answer": streamed_answer,
    "however it is cut": however_it_is_cut,
    "generate": generate,
    "thinking, unless it is switched off": thinking,
    "a tool call": tool_call,
    "an answer in JSON": json_answer,
    "load and unload": load_and_unload,
    "errors instead of an answer": errors_instead_of_an_answer,
    "errors in an answer": errors_in_an_answer,
}

for name, step in STEPS.items():
    try:
        step()
    except BaseException:
        print(f"{name}: failed", file=sys.stderr)
        raise
    print(f"{name}: ok", flush=True)
