// The life of a batch with the official TypeScript client on a sandbox; prints a record of it.
//
// Usage: node life.mjs <url> <key>, with the requests as JSON on standard input. It prints one JSON object;
// whether that is as it should be is for test_official_typescript.py to say.

import Anthropic from "@anthropic-ai/sdk";
import { text } from "node:stream/consumers";

const [baseURL, apiKey] = process.argv.slice(2);
const requests = JSON.parse(await text(process.stdin));
const options = { baseURL, apiKey, maxRetries: 0 };
const { batches } = new Anthropic(options).messages;

/** Let time pass in the sandbox. */
async function advance(seconds) {
  const response = await fetch(`${baseURL}/_sandbox/clock`, { method: "POST", body: JSON.stringify({ seconds }) });
  if (!response.ok) throw new Error(`the sandbox's clock answered ${response.status}`);
}

async function collect(items) {
  const collected = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** The error that a call ends with, as far as users look at it. */
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return {
      class: error.constructor.name,
      status: error.status ?? null,
      type: error.type ?? null,
      request_id: error.requestID ?? null,
      body_request_id: error.error?.request_id ?? null,
    };
  }
  return null;
}

const seen = {};

const created = await batches.create({ requests });
seen.created = created;
seen.errors = {
  missing: await refusal(() => batches.retrieve("msgbatch_none")),
  missing_results: await refusal(() => batches.results("msgbatch_none")),
  results_before_the_end: await refusal(() => batches.results(created.id)),
  delete_before_the_end: await refusal(() => batches.delete(created.id)),
  bad_custom_id: await refusal(() => batches.create({ requests: [{ ...requests[0], custom_id: "a b" }] })),
  bad_limit: await refusal(() => batches.list({ limit: 1001 })),
  wrong_key: await refusal(() => new Anthropic({ ...options, apiKey: "another" }).messages.batches.list()),
};

const others = [];
for (let index = 0; index < 4; index += 1) others.push(await batches.create({ requests: requests.slice(0, 1) }));
const newestFirst = [created, ...others].map(({ id }) => id).reverse();
const listed = async (query) => (await collect(batches.list(query))).map(({ id }) => id);
const page = await batches.list({ limit: 2 });
seen.lists = {
  newest_first: newestFirst,
  onwards: await listed({ limit: 2 }),
  from_the_second: await listed({ limit: 2, after_id: newestFirst[1] }),
  back_from_the_last: await listed({ limit: 2, before_id: newestFirst[4] }),
  first_page: page.data.map(({ id }) => id),
  second_page: (await page.getNextPage()).data.map(({ id }) => id),
};

seen.canceling = await batches.cancel(others[0].id);
await advance(3600);
seen.canceled = await batches.retrieve(others[0].id);

const { data, response, request_id } = await batches.retrieve(created.id).withResponse();
seen.ended = data;
seen.raw = { status: response.status, type: response.headers.get("content-type"), request_id };
seen.results = await collect(await batches.results(created.id));
seen.deleted = await batches.delete(created.id);
seen.errors.deleted = await refusal(() => batches.retrieve(created.id));

process.stdout.write(JSON.stringify(seen));
