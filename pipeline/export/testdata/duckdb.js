// Reads Parquet tables and the CSV tables beside them with DuckDB: paths without
// extension in, per table the types, the key-value metadata, the number of rows, and
// how many rows of one DuckDB does not find in the other out, as JSON.
const { DuckDBInstance } = require('@duckdb/node-api');

(async () => {
	const db = await (await DuckDBInstance.create(':memory:')).connect();
	const rows = async (sql) => (await db.runAndReadAll(sql)).getRows();
	const out = {};
	for (const path of process.argv.slice(2)) {
		const parquet = `read_parquet('${path}.parquet')`;
		const columns = (await rows(`DESCRIBE SELECT * FROM ${parquet}`)).map((r) => [r[0], r[1]]);
		const types = columns.map(([name, type]) => `'${name}': '${type}'`).join(', ');
		const csv = `read_csv('${path}.csv', header = true, columns = {${types}})`;
		const count = async (from) => Number((await rows(`SELECT count(*) FROM ${from}`))[0][0]);
		out[path] = {
			columns,
			metadata: Object.fromEntries(await rows(`SELECT decode(key), decode(value) FROM parquet_kv_metadata('${path}.parquet')`)),
			compression: (await rows(`SELECT DISTINCT compression FROM parquet_metadata('${path}.parquet')`)).map((r) => r[0]),
			rows: await count(parquet),
			onlyParquet: await count(`(SELECT * FROM ${parquet} EXCEPT ALL SELECT * FROM ${csv})`),
			onlyCSV: await count(`(SELECT * FROM ${csv} EXCEPT ALL SELECT * FROM ${parquet})`),
		};
	}
	console.log(JSON.stringify(out));
})();
