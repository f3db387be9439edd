// Checks units with the UCUM library of the US National Library of Medicine: codes
// in, those that are not valid out, as JSON.
const ucum = require('@lhncbc/ucum-lhc').UcumLhcUtils.getInstance();

const bad = process.argv.slice(2).filter((code) => {
	const r = ucum.validateUnitString(code);
	return r.status !== 'valid' || r.ucumCode !== code;
});
console.log(JSON.stringify(bad));
