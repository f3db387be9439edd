package reading

import (
	"fmt"
	"strings"
)

// Scale is what readers score by.
type Scale struct {
	Name, Title string
	// Paired: one score of the change of a pair, the earlier photo on the left.
	// Otherwise each photo has a score of its own, and left and right are random.
	Paired bool
	Items  []Item // in the order of the columns
	// Low and High are the limits of the total.
	Low, High float64
	// HigherIsBetter tells the direction of the total, or of the paired score.
	HigherIsBetter bool
	// Step is the least difference that counts as a change that a reader has seen.
	Step float64
	// Grades is the number of ordered categories; 0 for a total that is no category.
	Grades       int
	Instructions []string
	Source       string
}

// Item is one column of a scoring sheet.
type Item struct {
	Name, Text string
	Weight     float64 // in the total
	Low, High  float64
	Whole      bool // no decimals
}

// Total is the weighted sum of the items.
func (s Scale) Total(values []float64) float64 {
	t := 0.0
	for i, v := range values {
		t += s.Items[i].Weight * v
	}
	return t
}

// grade is the category of a total, from 0.
func (s Scale) grade(total float64) int { return int(total - s.Low) }

// Scales are all that there are.
var Scales = []Scale{
	{
		Name: "gb-qualitative", Title: "Goodman & Baron, qualitative grade of acne scars", Low: 1, High: 4, Step: 1, Grades: 4,
		Items: []Item{{"grade", "Grade 1 to 4", 1, 1, 4, true}},
		Instructions: []string{
			"Grade each of the two photos by itself.",
			"1 macular: flat marks, red, dark or pale; a matter of colour, not of relief.",
			"2 mild: raised or sunken scars that are hardly seen from 50 cm and more, or that make-up or a shaven beard's shadow covers.",
			"3 moderate: seen from 50 cm and more, not easily covered; sunken ones flatten when the skin is stretched.",
			"4 severe: seen from 50 cm and more, not easily covered, and not flattened by stretching. Stretching cannot be tried on a photo: judge from depth and edges.",
		},
		Source: "Goodman & Baron 2006 (qualitative); wording from memory of the scale, to be checked against the paper before a study",
	},
	{
		Name: "gb-quantitative", Title: "Goodman & Baron, quantitative score of acne scars", Low: 0, High: 84, Step: 5,
		Items: []Item{
			{"macular", "Macular, red or pigmented", 1, 0, 3, true},
			{"atrophic_mild", "Mildly atrophic, dish-like", 1, 0, 3, true},
			{"atrophic_moderate", "Moderately atrophic, dish-like", 2, 0, 3, true},
			{"punched_shallow", "Punched out with shallow base, small (below 5 mm)", 2, 0, 3, true},
			{"broad_shallow", "Shallow but broad atrophic area", 2, 0, 3, true},
			{"punched_deep_normal", "Punched out, deep, base normal, small (below 5 mm)", 3, 0, 3, true},
			{"punched_deep_abnormal", "Punched out, deep, base abnormal, small (below 5 mm)", 3, 0, 3, true},
			{"linear", "Linear or troughed", 3, 0, 3, true},
			{"broad_deep", "Deep, broad atrophic area", 3, 0, 3, true},
			{"papular", "Hyperplastic, papular", 2, 0, 3, true},
			{"keloidal", "Hypertrophic or keloidal, by area", 6, 0, 3, true},
		},
		Instructions: []string{
			"Score each of the two photos by itself. Enter for each type how many scars there are:",
			"0 none; 1 one to ten; 2 eleven to twenty; 3 more than twenty.",
			"For hypertrophic or keloidal scars enter the area: 0 none; 1 below 5 cm²; 2 5 to 20 cm²; 3 above 20 cm².",
			"Points are computed: 1 for macular and mild, 2 for moderate and papular, 3 for severe types, 6 for a step of keloidal area; at most 84.",
		},
		Source: "Goodman & Baron 2006 (quantitative); points from memory, chosen so that the maximum is the published 84 (papular scars 2 points a step); to be checked against the paper before a study. Four observers agreed within 4 points in 19 of 21 photos: a change counts from 5",
	},
	{
		Name: "ecca", Title: "ECCA, échelle d'évaluation clinique des cicatrices d'acné", Low: 0, High: 540, Step: 15,
		Items: []Item{
			{"v_shaped", "V-shaped (icepick), below 2 mm", 15, 0, 3, true},
			{"u_shaped", "U-shaped (boxcar), 2 to 4 mm", 20, 0, 3, true},
			{"m_shaped", "M-shaped (rolling), above 4 mm", 25, 0, 3, true},
			{"elastolysis", "Superficial elastolysis", 30, 0, 3, true},
			{"hypertrophic", "Hypertrophic, of less than two years", 40, 0, 3, true},
			{"keloid", "Keloid, of more than two years", 50, 0, 3, true},
		},
		Instructions: []string{
			"Score each of the two photos by itself. Enter for each type how many scars there are:",
			"0 none; 1 a few, less than 5; 2 a limited number, 5 to 20; 3 many, more than 20.",
			"Weights are applied later: 15, 20, 25, 30, 40, 50; at most 540.",
		},
		Source: "Dreno et al. 2007; weights and classes from memory, to be checked against the paper before a study. A change counts from 15, the smallest step",
	},
	{
		Name: "gais", Title: "GAIS, global aesthetic improvement scale, 5 points", Paired: true, Low: -1, High: 3, HigherIsBetter: true, Step: 1, Grades: 5,
		Items: []Item{{"grade", "Grade −1 to 3", 1, -1, 3, true}},
		Instructions: []string{
			"Compare the right photo with the left one, which was taken first.",
			"3 very much improved: the best result that could be had; 2 much improved: clearly better, not the best possible; 1 improved, but more is wanted; 0 unchanged; −1 worse.",
		},
		Source: "global aesthetic improvement scale in its 5-point form; wording from memory, to be checked before a study",
	},
	{
		Name: "vas", Title: "Visual analogue scale of severity, 0 to 100", Low: 0, High: 100, Step: 10,
		Items: []Item{{"score", "0 (none) to 100 (worst)", 1, 0, 100, false}},
		Instructions: []string{
			"Score each of the two photos by itself.",
			"0: none of what the study treats (scars, pores, redness); 100: the worst that you can imagine. Use the whole line.",
		},
		Source: "visual analogue scale; a change counts from 10, a tenth of the line (proposal)",
	},
}

// ScaleNamed finds a scale; the error lists those that there are.
func ScaleNamed(name string) (Scale, error) {
	var names []string
	for _, s := range Scales {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scale{}, fmt.Errorf("there is no scale %q; there are %s", name, strings.Join(names, ", "))
}

// photos are what has a score in a pair.
func (s Scale) photos() []string {
	if s.Paired {
		return []string{wholePair}
	}
	return []string{left, right}
}

// columns are those of a scoring sheet.
func (s Scale) columns() []string {
	cols := []string{"pair", "photo"}
	for _, i := range s.Items {
		cols = append(cols, i.Name)
	}
	return append(cols, "remark")
}

// What has a score: a side, or the pair.
const (
	left      = "left"
	right     = "right"
	wholePair = "pair"
)

// check tells what is wrong with a value of an item; empty where nothing is.
func (i Item) check(v float64) string {
	if !(v >= i.Low && v <= i.High) || i.Whole && v != float64(int(v)) {
		kind := "a number"
		if i.Whole {
			kind = "a whole number"
		}
		return fmt.Sprintf("expected %s from %g to %g", kind, i.Low, i.High)
	}
	return ""
}
