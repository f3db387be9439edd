//go:build race

package pipeline

// underRace: rendering is ten times slower with the race detector, so that fewer
// faces must do.
const underRace = true
