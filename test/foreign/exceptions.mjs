// What schemathesis may find, since JSON Schema has no words for it. Everything else is a fault.
const exceptions = [
  {
    why: 'a page token is what a list gave out: what it is made of is sealed',
    fits: /"code":"page_token_invalid"/,
  },
  {
    why: "a window's key is a date, a week or a season, as the window says",
    fits: /"message":"key: must be /,
  },
  {
    why: "'' for what may be left out is left out, as some serialisers write it: taken, not advertised",
    fits: /ST201[\s\S]*(smaller than minLength|violates `pattern`|violates `enum`|violates `type`|not one of|does not match)[\s\S]*(\?|&)\w+=(%5BFiltered%5D)?('|&)/,
  },
  {
    why: 'an e-mail address may have wide signs, which are composed before they are looked at',
    fits: /ST201[\s\S]*email: Value not matching the 'idn-email' format/,
  },
  {
    why: 'regular expressions cannot say all that a domain may be: labels of 63, no dash at an end, IDNA',
    fits: /"message":"email: must be an e-mail address/,
  },
  {
    why: 'a name must have something that can be seen: not marks alone',
    fits: /"message":"name: must have at least 1 character that can be seen/,
  },
  {
    why: 'the version is not the one that the change was meant for; the key is that of another request',
    fits: /"code":"(version_mismatch|idempotency_key_reused)"/,
  },
  {
    why: 'If-Match and expectedVersion, or one field given and cleared: each is right alone',
    fits: /"message":"(expectedVersion: is given in two places|age: is given and cleared)/,
  },
  {
    why: 'its own trial of a header that the document does not allow, taken for one that it does',
    fits: /-H 'If-Match: 0'/,
  },
  {
    why: 'a change that changes nothing: whatever it names, it names nothing to be changed',
    fits: /"message":"(body: )?must change (name, email or age|mode or thresholds)/,
  },
  {
    why: 'each rule has thresholds of its own',
    fits: /is not a threshold of/,
  },
  {
    why: 'OpenAPI has no word for one of two: X-Signature or the webhook headers, not both',
    fits: /X-Signature with Idempotency-Key, or the webhook-\*/,
  },
];

/** How many findings a report of JUnit's form has, and those that no exception explains. */
export function unexplained(report) {
  const failures = [...report.matchAll(/<testcase name="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g)];
  const findings = failures.flatMap(([, name, text]) =>
    decoded(text)
      .split(/^(?=\d+\. Test Case ID)|(?=<failure)/m)
      .filter((part) => /Test Case ID/.test(part))
      .map((part) => `${decoded(name)}\n${part}`),
  );
  return { findings: findings.length, left: findings.filter((one) => !exceptions.some(({ fits }) => fits.test(one))) };
}

function decoded(text) {
  const entities = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text
    .replace(/&#(x?)([0-9a-f]+);/gi, (_all, hex, digits) => String.fromCodePoint(parseInt(digits, hex ? 16 : 10)))
    .replace(/&(\w+);/g, (all, name) => entities[name] ?? all);
}
