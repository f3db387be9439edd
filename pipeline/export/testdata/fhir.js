// Validates FHIR R4 bundles with the npm package fhir: file names in, per file
// whether it is valid and its distinct messages out, as JSON.
const fs = require('fs');
const { Fhir } = require('fhir');

const fhir = new Fhir();
const out = {};
for (const name of process.argv.slice(2)) {
	const r = fhir.validate(JSON.parse(fs.readFileSync(name, 'utf8')), { errorOnUnexpected: true });
	const messages = new Set(r.messages.filter((m) => m.severity !== 'info').map((m) => m.severity + ': ' + m.message));
	out[name] = { valid: r.valid, messages: [...messages].sort() };
}
console.log(JSON.stringify(out));
