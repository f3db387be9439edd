package metrics

// cache holds the derived planes of a patch, each made on first use.
type cache struct{}
