// Visits hello every two seconds. A failed visit is said, not fatal: hello may be on its way back.
const url = `http://${process.env.OSTLER_ADDR_HELLO}/`;

async function visit() {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    console.log((await response.text()).trim());
  } catch (error) {
    console.error(`hello does not answer: ${error.cause?.code ?? error.message}`);
  }
}
await visit();
setInterval(visit, 2000);
