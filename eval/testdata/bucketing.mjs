// A second implementation of both bucketing operators, in nothing but Node (20
// or newer), to hold the pinned vectors against:
//
//   node eval/testdata/bucketing.mjs              check conformance/fractional-*.json and stable_bucket.json
//   node eval/testdata/bucketing.mjs SUBJECT SALT print a bucket, to write a new vector of stable_bucket
//
// It checks the cases whose rule is one fractional over literal shares, and the
// cases of stable_bucket that name a bucket. `make test` does without it.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const stableBucket = (subject, salt) =>
  createHash('sha256').update(`${salt}:${subject}`, 'utf8').digest().readUInt32BE(0) / 0xffffffff

// text is what a bucket is made of: null is empty, and a number has no exponent.
function text(v) {
  const [, sign, digits, exponent] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(String(v ?? '')) ?? []
  if (exponent === undefined) return String(v ?? '')
  const [whole, fraction = ''] = digits.split('.')
  const point = 1 + Number(exponent) // one digit stands before the point
  const all = (whole + fraction).padEnd(point, '0')
  return sign + (point > 0 ? all : '0.' + '0'.repeat(-point) + all)
}

// murmur3 is MurmurHash3_x86_32 with the seed 0.
function murmur3(bytes) {
  const rotl = (x, r) => (x << r) | (x >>> (32 - r))
  const mix = (k) => Math.imul(rotl(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593)
  let h = 0
  const blocks = bytes.length & ~3
  for (let i = 0; i < blocks; i += 4) h = (Math.imul(rotl(h ^ mix(bytes.readInt32LE(i)), 13), 5) + 0xe6546b64) | 0
  if (bytes.length > blocks) h ^= mix(bytes.readUIntLE(blocks, bytes.length - blocks))
  h ^= bytes.length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

// cbor is the core deterministic encoding of RFC 8949 for what JSON.parse gives.
function cbor(v) {
  if (v === null) return Buffer.from([0xf6])
  if (typeof v === 'boolean') return Buffer.from([v ? 0xf5 : 0xf4])
  if (typeof v === 'number') return number(v)
  if (typeof v === 'string') return Buffer.concat([head(3, Buffer.byteLength(v)), Buffer.from(v)])
  if (Array.isArray(v)) return Buffer.concat([head(4, v.length), ...v.map(cbor)])
  const members = Object.entries(v).map(([name, inner]) => [cbor(name), cbor(inner)])
  members.sort(([a], [b]) => Buffer.compare(a, b))
  return Buffer.concat([head(5, members.length), ...members.flat()])
}

function head(major, n) {
  const big = BigInt(n)
  if (big < 24n) return Buffer.from([(major << 5) | Number(big)])
  const log = [8n, 16n, 32n, 64n].findIndex((bits) => big < 1n << bits)
  const out = Buffer.alloc(9)
  out.writeBigUInt64BE(big, 1)
  return Buffer.concat([Buffer.from([(major << 5) | (24 + log)]), out.subarray(9 - (1 << log))])
}

function number(n) {
  if (Number.isInteger(n) && n >= -(2 ** 63) && n < 2 ** 64) return n < 0 ? head(1, -1n - BigInt(n)) : head(0, BigInt(n))
  const half = toHalf(n)
  if (half !== undefined) return Buffer.from([0xf9, half >> 8, half & 0xff])
  const out = Buffer.alloc(9)
  if (Math.fround(n) === n) {
    out[0] = 0xfa
    out.writeFloatBE(n, 1)
    return out.subarray(0, 5)
  }
  out[0] = 0xfb
  out.writeDoubleBE(n, 1)
  return out
}

// toHalf counts in units of the smallest step that a half float has at n's size.
function toHalf(n) {
  const size = Math.abs(n)
  const exponent = Math.max(-14, Math.floor(Math.log2(size)))
  const steps = size / 2 ** (exponent - 10)
  if (size > 65504 || !Number.isInteger(steps)) return undefined
  const sign = n < 0 ? 0x8000 : 0
  return sign | (steps < 1024 ? steps : ((exponent + 15) << 10) + steps - 1024)
}

// fractional gives the hash, the bytes that were hashed, and the variant; or
// nothing for a rule that this script does not read.
function fractional(rule, generation, flagKey, context) {
  const args = rule?.fractional
  const isShare = (s) => Array.isArray(s) && typeof s[0] === 'string' && (s.length < 2 || Number.isInteger(s[1]))
  if (!Array.isArray(args)) return undefined
  const written = !Array.isArray(args[0])
  const shares = args.slice(written ? 1 : 0)
  if (shares.length === 0 || !shares.every(isShare)) return undefined
  const bytes = written ? writtenKey(args[0], generation, flagKey, context) : implicitKey(generation, flagKey, context)
  const weights = shares.map(([, weight = 1]) => Math.max(0, weight))
  const sum = weights.reduce((a, b) => a + b, 0)
  if (bytes === undefined) return undefined
  if (bytes === null || sum === 0 || sum > 0x7fffffff || Math.max(...weights) > 0x7fffffff) return { variant: undefined }
  const hash = murmur3(bytes)
  const bucket = Number((BigInt(hash) * BigInt(sum)) >> 32n)
  let end = 0
  const index = weights.findIndex((weight) => bucket < (end += weight))
  return { hash, bytes: bytes.toString('hex'), variant: shares[index][0] }
}

function implicitKey(generation, flagKey, { targetingKey }) {
  if (typeof targetingKey !== 'string' || targetingKey === '') return null
  return generation === 'v3' ? cbor([flagKey, targetingKey]) : Buffer.from(flagKey + targetingKey)
}

function writtenKey(rule, generation, flagKey, context) {
  const read = (path) => (path === '$flagd.flagKey' ? flagKey : path.split('.').reduce((v, name) => v?.[name], context))
  let key = rule
  if (typeof rule?.var === 'string') key = read(rule.var) ?? null
  else if (Array.isArray(rule?.cat)) key = rule.cat.map((part) => (part.var ? read(part.var) : part)).join('').trim()
  else if (typeof rule === 'object' && rule !== null && Object.keys(rule).length < 2) return undefined // some other operator
  if (Array.isArray(key)) return undefined // it counts as a share
  if (generation === 'v3') return key === null ? null : cbor(key)
  if (key === null) return implicitKey(generation, flagKey, context)
  return typeof key === 'string' ? Buffer.from(key) : null
}

const read = (name) => JSON.parse(readFileSync(new URL(`conformance/${name}`, import.meta.url), 'utf8'))

let checked = 0
let failed = 0
function check(where, what, got, want) {
  checked++
  if (got === want) return
  failed++
  console.error(`${where}: ${what} is ${got} here, ${want} in the file`)
}

function checkFractional(file) {
  for (const test of read(file)) {
    const flagKey = test.flag ?? 'flag'
    const rule = test.rule ?? test.flags?.flags[flagKey].targeting
    const generation = test.bucketing ?? test.flags?.metadata?.bucketing ?? 'v2'
    for (const { context = {}, want, hash, bytes } of test.answers ?? [test]) {
      const got = fractional(rule, generation, flagKey, context)
      if (got === undefined) continue
      const where = `${file}: ${test.name}: ${JSON.stringify(context).slice(0, 80)}`
      check(where, 'the variant', got.variant, want.reason === 'TARGETING_MATCH' ? want.variant : undefined)
      if (hash !== undefined) check(where, 'the hash', got.hash, hash)
      if (bytes !== undefined) check(where, 'what is hashed', got.bytes, bytes)
    }
  }
}

function checkStableBucket(file) {
  for (const { name, rule, answers, context, want } of read(file)) {
    const [subject, salt] = rule.stable_bucket ?? []
    for (const answer of answers ?? [{ context, want }]) {
      const read = (part) => text(part?.var === '$flagd.flagKey' ? 'flag' : part?.var ? answer.context[part.var] : part)
      if (salt === undefined || answer.want.reason !== 'TARGETING_MATCH') continue
      check(`${file}: ${name}`, 'the bucket', String(stableBucket(read(subject), read(salt))), answer.want.value)
    }
  }
}

if (process.argv.length > 2) {
  console.log(stableBucket(process.argv[2], process.argv[3] ?? ''))
} else {
  checkFractional('fractional-v2.json')
  checkFractional('fractional-v3.json')
  checkStableBucket('stable_bucket.json')
  console.log(`${checked} checks, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}
