package validate

import (
	"cmp"
	"fmt"
)

// Case is one rendered series: a person, a course of the skin, and the flaws of
// its photos.
type Case struct {
	Seed     uint64  `json:"seed"`
	Tone     string  `json:"tone"`     // light, intermediate, dark
	Course   string  `json:"course"`   // none, better30, ...
	Nuisance string  `json:"nuisance"` // all, or the one flaw that photos have
	Level    float64 `json:"level"`    // of the nuisance; 0.5 is mild
	Sessions int     `json:"sessions"`
	Width    int     `json:"width"` // of the photos, px; the height is four thirds of it
	PxPerMM  float64 `json:"px_per_mm"`
}

// Name is the folder of the case.
func (c Case) Name() string {
	return fmt.Sprintf("%s-%s-%s-%g-seed%d-%gpx", c.Course, c.Tone, c.Nuisance, c.Level, c.Seed, c.PxPerMM)
}

// Null tells that nothing changes in the skin.
func (c Case) Null() bool { return c.Course == "none" }

// Makes tells that the case may make the table of smallest detectable changes;
// the others test.
func (c Case) Makes() bool { return c.Seed%2 == 1 }

// AllNuisances names the nuisance of photos that have every flaw at once.
const AllNuisances = "all"

// nuisances are the flaws that a case may have alone.
var nuisances = []string{"exposure", "white_balance", "gradient", "blur", "pose", "scale", "jpeg"}

// Tones of the cases.
var Tones = []string{"light", "intermediate", "dark"}

// StudySeed is the seed of the renderer. Persons of different tones are different
// persons; odd stays odd.
func (c Case) StudySeed() uint64 {
	for i, t := range Tones {
		if t == c.Tone {
			return c.Seed + 1000*uint64(i)
		}
	}
	return c.Seed
}

// Plan lists the cases of the validation. The quick one has a null series (odd
// seed) and one that gets better by 30 % (even seed) of each tone, at 14 px/mm.
// The full one uses the seeds from first to last, at 22 px/mm.
func Plan(quick bool, first, last uint64) []Case {
	var cases []Case
	add := func(c Case) {
		c.Sessions, c.Nuisance = 3, cmp.Or(c.Nuisance, AllNuisances)
		c.Width, c.PxPerMM = 3000, 22
		if quick {
			c.Width, c.PxPerMM = 1900, 14
		}
		cases = append(cases, c)
	}
	if quick {
		for _, tone := range Tones {
			add(Case{Seed: first | 1, Tone: tone, Course: "none", Level: 0.5})
			add(Case{Seed: first + first%2, Tone: tone, Course: "better30", Level: 0.5})
		}
		return cases
	}
	courses := []string{"better30", "better10", "better20", "better50", "worse20", "mixed"}
	for seed := first; seed <= last; seed++ {
		for _, tone := range Tones {
			add(Case{Seed: seed, Tone: tone, Course: "none", Level: 0.5})
		}
	}
	for k, seed := 0, first; seed <= last; seed++ {
		if seed%2 == 1 {
			continue
		}
		for i, tone := range Tones {
			// Each even seed has two of the courses, in turn.
			for j := range 2 {
				add(Case{Seed: seed, Tone: tone, Course: courses[(2*k+j+2*i)%len(courses)], Level: 0.5})
			}
		}
		if k == 0 {
			for _, tone := range Tones {
				add(Case{Seed: seed, Tone: tone, Course: "none", Level: 1})
			}
			for _, n := range nuisances {
				add(Case{Seed: seed, Tone: Tones[1], Course: "none", Nuisance: n, Level: 1})
			}
		}
		k++
	}
	return cases
}
