//go:build race

package validate

// underRace: rendering is ten times slower with the race detector.
const underRace = true
