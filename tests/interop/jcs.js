// SPDX-License-Identifier: Apache-2.0
// Prints COUNT lines: a JSON text of a random value, a tab, and its canonical form, which
// JSON.stringify() makes of objects with sorted members. Always the same for one SEED.
//
//     node jcs.js SEED COUNT
'use strict';

const DEPTH_MAX = 5;
const ITEMS_MAX = 6;
const CHARS_MAX = 8;
// First and last code point of what strings are made of; NUL is refused by the parser.
const RANGES = [
  [0x61, 0x7a], [0x30, 0x39], [0x20, 0x7e], [0x01, 0x1f], [0x22, 0x22], [0x2f, 0x2f], [0x5c, 0x5c],
  [0x7f, 0x9f], [0xa0, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [0xfb33, 0xfb33],
  [0x1f600, 0x1f64f], [0x10000, 0x10ffff], [0x2028, 0x2029]];
const ESCAPES = { '"': '"', '\\': '\\', '/': '/', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't' };

let state = Number(process.argv[2]);

// Mulberry32: a number below n.
function below(n) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * n);
}

function pick(list) {
  return list[below(list.length)];
}

function randomString() {
  let text = '';
  for (let n = below(CHARS_MAX + 1); n; n--) {
    const [first, last] = pick(RANGES);
    text += String.fromCodePoint(first + below(last - first + 1));
  }
  return text;
}

// V8 orders names that are array indices by their number.
function randomName() {
  const text = randomString();
  return /^[0-9]+$/.test(text) ? 'x' + text : text;
}

function randomInteger() {
  const bits = below(54);
  const n = below(2 ** Math.min(bits, 27)) + below(2 ** Math.max(bits - 27, 0)) * 2 ** 27;
  return pick([n, -n, Number.MAX_SAFE_INTEGER - below(3), below(3) - Number.MAX_SAFE_INTEGER]);
}

function randomObject(depth) {
  const object = Object.create(null);
  for (let n = below(ITEMS_MAX + 1); n; n--)
    object[randomName()] = randomValue(depth + 1);
  return object;
}

function randomValue(depth) {
  switch (below(depth < DEPTH_MAX ? 8 : 6)) {
  case 0: return pick([null, true, false]);
  case 1: case 2: return randomInteger();
  case 3: case 4: case 5: return randomString();
  case 6: return Array.from({ length: below(ITEMS_MAX + 1) }, () => randomValue(depth + 1));
  default: return randomObject(depth);
  }
}

function sorted(value) {
  if (Array.isArray(value))
    return value.map(sorted);
  if (value === null || typeof value !== 'object')
    return value;
  const object = Object.create(null);
  for (const name of Object.keys(value).sort())
    object[name] = sorted(value[name]);
  return object;
}

// One of the many ways to write it.
function blank() {
  return ' '.repeat(pick([0, 0, 0, 1, 3]));
}

function hex4(unit) {
  const text = unit.toString(16).padStart(4, '0');
  return '\\u' + (below(2) ? text : text.toUpperCase());
}

function writtenString(text) {
  let out = '';
  for (const c of text) {
    const must = c < ' ' || c === '"' || c === '\\';
    if (c in ESCAPES && below(2))
      out += '\\' + ESCAPES[c];
    else if (must || !below(4))
      out += Array.from({ length: c.length }, (_, i) => hex4(c.charCodeAt(i))).join('');
    else
      out += c;
  }
  return '"' + out + '"';
}

function writtenInteger(n) {
  if (Object.is(n, -0))
    return pick(['-0', '0', '-0.0', '0e5']);
  return n + (Math.abs(n) < 2 ** 40 ? pick(['', '', '.0', 'e0', '.00E+0']) : '');
}

function written(value) {
  if (Array.isArray(value))
    return '[' + blank() + value.map(written).join(blank() + ',' + blank()) + blank() + ']';
  if (typeof value === 'string')
    return writtenString(value);
  if (typeof value === 'number')
    return writtenInteger(value);
  if (value === null || typeof value !== 'object')
    return String(value);
  return '{' + blank() + Object.keys(value).map(
    (name) => writtenString(name) + blank() + ':' + blank() + written(value[name])
  ).join(blank() + ',' + blank()) + '}' + blank();
}

for (let n = Number(process.argv[3]); n; n--) {
  const object = randomObject(0);
  process.stdout.write(written(object) + '\t' + JSON.stringify(sorted(object)) + '\n');
}
