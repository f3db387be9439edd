//go:build !race

package face

const underRace = false
