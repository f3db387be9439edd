// Package validate compares results with the truth of rendered faces: how far
// points are carried off, which objects are found, how much of a true change is
// recovered, how often a change is seen where there is none, and how well values
// repeat. It reads files and gives tables; it renders and measures nothing.
//
// # What counts
//
// Objects are counted where skin was measured: the masks of the output say where;
// their frame is fitted to what was found, see regions. A
// found pore within 0.25 mm of a true pore of 0.25 mm or more is right; one that
// only meets a true pore below 0.25 mm, or one outside the mask, is neither right
// nor wrong. Scars match within 3 mm. Matches are one to one, nearest first.
//
// The true change of pore area, scar contrast and roughness is the factor that the
// phantom multiplied the area of pores, the depth of scars and the relief with;
// that of the erythema index is the change of its excess in the zone less that of
// the reference zone, in units.
//
// # Seeds
//
// Values of odd seeds make the table of smallest detectable changes, even ones
// test verdicts, so that no table is tested on what it was made of.
package validate
