// Package validate compares results with the truth of rendered faces: how far
// points are carried off, which objects are found, how much of a true change is
// recovered, how often a change is seen where there is none, and how well values
// repeat. It reads files and gives tables; it renders and measures nothing.
//
// # What counts
//
// Objects are counted where skin was measured, as the masks of the output say. A
// found pore within 0.25 mm of a true pore of 0.25 mm or more is right; one that
// only meets a true pore below 0.25 mm, or one outside the masks, is neither right
// nor wrong. Scars match within 3 mm. Matches are one to one, nearest first.
// What is found where nothing is counts as wrong at any size; precision_of_size and
// f1_of_size leave out such finds below 0.25 mm.
// density_bias counts all found pores of 0.25 mm or more, also those on a true pore
// that is smaller; density_bias_without_small leaves these out.
//
// The true change of pore area, scar contrast and roughness is the factor that the
// phantom multiplied the area of pores, the depth of scars and the relief with;
// that of the erythema index is the change of its excess in the zone less that of
// the reference zone, in units. What is recovered of it is the slope of a line
// through the origin, less 100 %.
//
// Shares of wrong verdicts and of called changes are of what could be compared;
// called_of_visible is of all that can be seen. comparable is over every zone that the
// baseline shows at least half of and every primary metric, whether the tool has a row
// for it or not; comparable_where_there_is_something leaves out the contrast of scars
// where there is none.
//
// # Seeds
//
// Null series of odd seeds make the table of smallest detectable changes, even ones
// test verdicts, so that no table is tested on what it was made of; persons of a real
// study are dealt in the same way. Verdicts are decided again with that table, by the
// tool's own rule, from the changes that the tool measured; the sections "as shipped"
// hold the tool's own verdicts, and decided_otherwise_than_the_tool tells that the
// rule is the same. Only a set without null series of even seeds, as the quick one is,
// shows the verdicts on odd ones, and those of the tool.
package validate
