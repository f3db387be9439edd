package validate

import (
	"cmp"
	"fmt"
	"slices"
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

// Names of nuisances that are not one flaw alone.
const (
	AllNuisances = "all"  // every flaw at once
	RealPhotos   = "real" // photos of persons, as they were taken
)

// nuisances are the flaws that a case may have alone.
var nuisances = []string{"exposure", "white_balance", "gradient", "blur", "pose", "scale", "jpeg"}

// tricks are the names of what may be done to the photos of a series, to make skin
// look better than it is, instead of a nuisance.
var tricks = []string{"blurred_before", "blurred_after", "brighter_after", "warmer_after", "light_from_side_to_front", "nearer_after",
	"smoothing_filter_after", "half_size_after", "mirrored_after", "another_person_after"}

// Trick tells that the last photo is not what the truth says.
func (c Case) Trick() bool { return slices.Contains(tricks, c.Nuisance) }

// Tones of the cases. Brown skin, the darkest that redness can be judged on, has
// fewer series than the others.
var Tones = []string{"light", "intermediate", "dark", "brown"}

// mainTones have all cases.
var mainTones = Tones[:3]

// brownSeeds is the number of seeds of brown skin.
const brownSeeds = 4

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

// Carries tells whether surface points of the case are carried, to see how far they
// are off: that takes as long again as finding the faces, and a part of the cases
// says enough.
func (c Case) Carries() bool { return !c.Makes() && !c.Trick() && (c.Null() || c.Course == "better30") }

// Seconds is about what a case costs of one core, by the pixels of its photos: 0.7 s
// a megapixel to render, 0.7 s to measure and 0.2 s to carry points, and a second to
// start.
func (c Case) Seconds() float64 {
	megapixels := float64(c.Sessions) * float64(c.Width) * float64(c.Width) * 4 / 3 / 1e6
	if c.Carries() {
		return 1 + 1.6*megapixels
	}
	return 1 + 1.4*megapixels
}

// The scales of the cases, px/mm. Photos are this many millimetres wide: the whole
// face.
const (
	fineScale  = 22.0
	quickScale = 14.0
	photoMM    = 136.0
)

// coarser are the other scales, with the number of seeds that they take: those of
// phones further away, down to pictures as in databases of faces. They cost little.
var coarser = []struct {
	pxPerMM float64
	seeds   uint64
}{{14, 4}, {8, 6}, {3.5, 12}}

// tested are the courses of the full set, in the order in which the even seeds take
// them in turn.
var tested = []string{"better30", "better20", "better30", "better20", "better30", "worse20", "better30", "better20", "mixed", "better50", "better10"}

// sized is a case of two sessions at a scale.
func sized(c Case, pxPerMM float64) Case {
	c.Sessions, c.PxPerMM, c.Width = 2, pxPerMM, int(pxPerMM*photoMM)/4*4
	return c
}

// Plan lists the cases of the validation, of two sessions each, so that each verdict
// is on one pair of photos and no second chance hides a refusal. The quick one has a
// null series (odd seed) and one that gets better by 30 % (even seed) of each tone,
// at 14 px/mm. The full one uses the seeds from first to last, at 22 px/mm: null
// series of all seeds at half the nuisance and of two in five at the full one, each
// flaw alone, courses of the skin, and tricks on even seeds; and null series at
// coarser scales.
func Plan(quick bool, first, last uint64) []Case {
	var cases []Case
	seen := map[string]bool{}
	add := func(c Case) {
		c.Nuisance = cmp.Or(c.Nuisance, AllNuisances)
		c = sized(c, cmp.Or(c.PxPerMM, fineScale))
		if !seen[c.Name()] {
			seen[c.Name()], cases = true, append(cases, c)
		}
	}
	if quick {
		for _, tone := range mainTones {
			add(Case{Seed: first | 1, Tone: tone, Course: "none", Level: mild, PxPerMM: quickScale})
			add(Case{Seed: first + first%2, Tone: tone, Course: "better30", Level: mild, PxPerMM: quickScale})
		}
		return cases
	}
	n := last - first + 1
	null := func(tones []string, seeds uint64, level, pxPerMM float64) {
		for seed := first; seed < first+min(seeds, n); seed++ {
			for _, tone := range tones {
				add(Case{Seed: seed, Tone: tone, Course: "none", Level: level, PxPerMM: pxPerMM})
			}
		}
	}
	null(mainTones, n, mild, fineScale)
	null(mainTones, max(2, 2*n/5), full, fineScale)
	null(Tones[3:], brownSeeds, mild, fineScale)
	even := first + first%2
	for i, course := range tested {
		tones := mainTones
		if i == 0 {
			tones = Tones
		}
		for _, tone := range tones {
			add(Case{Seed: even + 2*(uint64(i)%max(1, n/2)), Tone: tone, Course: course, Level: mild})
		}
	}
	for _, flaw := range nuisances {
		add(Case{Seed: even, Tone: "intermediate", Course: "none", Nuisance: flaw, Level: full})
	}
	for _, trick := range tricks {
		for _, tone := range mainTones[:2] {
			add(Case{Seed: even, Tone: tone, Course: "none", Nuisance: trick, Level: full, PxPerMM: quickScale})
		}
	}
	for _, s := range coarser {
		null(mainTones, s.seeds, mild, s.pxPerMM)
		null(mainTones, s.seeds, full, s.pxPerMM)
	}
	return cases
}
