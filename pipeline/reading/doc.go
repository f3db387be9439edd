// Package reading makes packs of photo pairs for blinded readers, and analyses
// what they have scored: how well a reader agrees with themself and with others,
// how often they see an improvement where there is none, and how the metrics agree
// with them.
//
// # Blinding
//
// A pack holds coded pairs in random order, pictures without metadata, and a sheet
// for each. Which person, which session, and which pairs are repeats or shams is in
// the key, a file of its own that must not reach the readers. The order is drawn
// from the seed and from the pictures, so that nobody who knows the seed but not
// the study can repeat it.
//
// Where the scale scores each photo by itself, left and right are drawn too; the
// scale that scores a change has the earlier photo on the left, since its grades
// are not symmetric.
//
// # Shams
//
// Readers report improvement in untreated controls, so a pack holds pairs without
// a treatment between: two visits before the first treatment where a person has
// them, else the same session twice. Every picture is cut with a small random
// offset, so that the same photo is not the same file; it remains easier to see
// through than a photo taken again.
//
// # Not corrected
//
// Pictures are shown as photographed, moved and turned as a whole: light and colour
// that differ between sessions can tell a reader that there are two, though not
// which was first.
package reading
