package reading

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
)

// Kind of a pair.
type Kind string

const (
	True          Kind = "pair"           // baseline and a later session
	Repeat        Kind = "repeat"         // a true pair again
	ShamUntreated Kind = "sham_untreated" // two sessions before the first treatment
	ShamSame      Kind = "sham_same"      // one session twice
)

// sham tells whether there was no treatment between the two photos.
func (k Kind) sham() bool { return k == ShamUntreated || k == ShamSame }

// Photo is an aligned picture of a session.
type Photo struct {
	Session string
	Day     int             // since baseline
	File    string          // JPEG or PNG
	Box     image.Rectangle // part that is shown; empty: all
}

// Candidate is a person's view or zone that can be shown.
type Candidate struct {
	Subject, View, Zone string // Zone is empty where the whole picture is shown
	Before, After       Photo
	// Untreated are two sessions before the first treatment; nil without.
	Untreated *[2]Photo
	Changes   []Change // from Before to After
}

// Change is what a metric says of a candidate.
type Change struct {
	Zone, Metric, Unit string
	Value              float64
}

// Options say how a pack is made.
type Options struct {
	Scale   Scale
	Seed    uint64
	Repeats int    // true pairs that are shown twice; below 0: a fifth, at least three
	Shams   int    // pairs without a treatment between; below 0: a fifth, at least three
	AsOf    string // day on which consent was looked at, for the key
}

// pair is one pair of a pack.
type pair struct {
	code      string
	kind      Kind
	candidate int    // place in the list
	of        string // code of the pair that is repeated
	before    Photo
	after     Photo
	flipped   bool      // the later photo is on the left
	offsets   [2]offset // of before and after
}

// offset is how much of each side is cut off, as a share of width and height.
type offset struct{ left, top, right, bottom float64 }

// maxOffset keeps two cuts of one photo alike to the eye and apart as files.
const maxOffset = 0.02

// generator draws from the seed and the pictures.
func generator(seed uint64, pictures [][sha256.Size]byte) *rand.Rand {
	h := sha256.New()
	_ = binary.Write(h, binary.LittleEndian, seed) // a hash does not fail
	for _, p := range pictures {
		h.Write(p[:])
	}
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil))))
}

// some is how many extra pairs there are of n: want, else a fifth, at least three.
func some(want, n int) int {
	if want < 0 {
		want = max(3, n/5)
	}
	return min(want, n)
}

// plan draws the pairs in their order.
func plan(candidates []Candidate, o Options, rnd *rand.Rand) []pair {
	var pairs []pair
	add := func(p pair) {
		p.flipped = !o.Scale.Paired && rnd.IntN(2) == 1
		for i := range p.offsets {
			p.offsets[i] = offset{maxOffset * rnd.Float64(), maxOffset * rnd.Float64(), maxOffset * rnd.Float64(), maxOffset * rnd.Float64()}
		}
		pairs = append(pairs, p)
	}
	for i, c := range candidates {
		add(pair{kind: True, candidate: i, before: c.Before, after: c.After})
	}
	for _, i := range rnd.Perm(len(candidates))[:some(o.Repeats, len(candidates))] {
		add(pair{kind: Repeat, candidate: i, before: candidates[i].Before, after: candidates[i].After})
	}
	// Those with two untreated sessions first: photos taken again are the better sham.
	order := rnd.Perm(len(candidates))
	var shams []int
	for _, untreated := range []bool{true, false} {
		for _, i := range order {
			if (candidates[i].Untreated != nil) == untreated {
				shams = append(shams, i)
			}
		}
	}
	for _, i := range shams[:some(o.Shams, len(shams))] {
		c := candidates[i]
		p := pair{kind: ShamSame, candidate: i, before: c.Before, after: c.Before}
		if rnd.IntN(2) == 1 {
			p.before, p.after = c.After, c.After
		}
		if c.Untreated != nil {
			p.kind, p.before, p.after = ShamUntreated, c.Untreated[0], c.Untreated[1]
		}
		add(p)
	}
	shuffle(pairs, rnd)
	first := map[int]string{}
	for i := range pairs {
		pairs[i].code = fmt.Sprintf("%03d", i+1)
		if pairs[i].kind == True {
			first[pairs[i].candidate] = pairs[i].code
		}
	}
	for i := range pairs {
		if pairs[i].kind == Repeat {
			pairs[i].of = first[pairs[i].candidate]
		}
	}
	return pairs
}

// shuffle puts the pairs into random order, repeats as far from their first showing
// as a third of the pack where that comes about by chance.
func shuffle(pairs []pair, rnd *rand.Rand) {
	var best []pair
	farthest := -1
	for range 200 {
		rnd.Shuffle(len(pairs), func(i, k int) { pairs[i], pairs[k] = pairs[k], pairs[i] })
		if d := nearestRepeat(pairs); d > farthest {
			farthest, best = d, append(best[:0], pairs...)
			if d >= len(pairs)/3 {
				break
			}
		}
	}
	copy(pairs, best)
}

// nearestRepeat is the least distance of a repeat from its first showing; the
// number of pairs without repeats.
func nearestRepeat(pairs []pair) int {
	at := map[int]int{}
	for i, p := range pairs {
		if p.kind == True {
			at[p.candidate] = i
		}
	}
	nearest := len(pairs)
	for i, p := range pairs {
		if p.kind == Repeat {
			nearest = min(nearest, max(i-at[p.candidate], at[p.candidate]-i))
		}
	}
	return nearest
}
