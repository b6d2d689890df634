"""Mistakes of users. Type checkers in strict mode report each marked line, and no other."""

from __future__ import annotations

from claude_batches import AsyncClient, Client
from claude_batches.jobs import AsyncJob
from claude_batches.types import MessageCreateParamsNonStreaming, MessageParam, Request

# fmt: off
params: MessageCreateParamsNonStreaming = {"model": "claude-haiku-4-5", "max_tokens": 1, "messages": []}
wrong_key: MessageCreateParamsNonStreaming = {"model": "m", "max_tokens": 1, "messages": [], "max": 2}  # wrong
wrong_inside: Request = {"custom_id": "a", "params": {"model": "m", "max_tokens": "1", "messages": []}}  # wrong
# fmt: on
wrong_role: MessageParam = {"role": "robot", "content": "Hi"}  # wrong
missing: Request = {"custom_id": "a"}  # wrong

client = Client(api_kye="k")  # wrong
client.messages.batches.create(requests=[{"custom_id": "a", "param": params}])  # wrong
client.messages.batches.create(requests=[missing], on_ambiguous="hope")  # wrong
client.messages.batches.retrieve(7)  # wrong
client.messages.batches.retrieve("b", tiemout=3)  # wrong
client.messages.batches.list(limit="20")  # wrong
print(client.messages.batches.retrieve("b").custom_id)  # wrong
client.messages.batches.wait("b", deadline="1")  # wrong
client.messages.batches.wait("b", extra_body={})  # wrong
client.messages.batches.results("b", on_bad_line="hope")  # wrong
client.with_options(timeuot=1)  # wrong
print(client.messages.batches.list().frist_id)  # wrong


async def mistakes() -> None:
    client = AsyncClient()
    print(client.messages.batches.retrieve("b").id)  # wrong
    print([*client.messages.batches.list()])  # wrong
    job = AsyncJob.open("reviews.job")
    await job.write("reviews.parquet")  # wrong
    await job.write()  # wrong
    job.write("reviews.parquet", format="arrow")  # wrong
