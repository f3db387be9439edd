// Package cluster spreads tasks over machines: it is handed a function and knows bytes,
// keys and jobs, not photos. Jobs are River's on PostgreSQL; what goes in and comes out
// lies in an object store.
package cluster
