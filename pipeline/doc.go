// Package pipeline is what happens to a photo, to a series, and to a batch.
//
// # Reading order
//
// series.go holds the two lists of stages, which are the architecture: what happens to
// each photo and then to the series. prepare.go has the stages of a photo; comparing.go,
// skin.go, measuring.go, trending.go and drawing.go those of a series. Measuring takes
// patches of skin (patches.go) against thresholds of the baseline (freezing.go) and
// follows pores (poresites.go); reference.go has the skin that colour is related to,
// polygonview.go the frame of views without automatic zones; carry.go carries points. A
// stage is plumbing: the knowledge lies in the packages below (photo, face, align,
// compare, segment) and in metrics, as functions of values.
//
// batch.go runs the series of a study in worker processes (engine); reuse.go decides
// which need not be measured again, by what they were made from (provenance.go), and
// finished.go keeps those of a run that is cut off. writing.go makes tables and reports,
// which outdir.go puts in place whole or not at all; record.go says what was run. A
// worker that dies costs its series. submitting.go, working.go and collecting.go do the
// same on many machines (cluster). editing.go and rejecting.go apply what persons have
// decided on results; colourcard.go and scaling.go use what is held beside the face.
// verifying.go, with verifying_study.go, and bridging.go look at results afterwards.
//
// # Coordinates
//
// x right, y down, origin at the centre of the top-left pixel, in the photo after
// EXIF orientation. A frame is an upright view of a face at 200 px between the
// pupils (photo.Frame); zones, skin and alignment live in it. Left and right are
// the person's.
//
// # What is measured on
//
// Native pixels, always. The alignment carries zones and masks into each photo; no
// metric sees a pixel that it warped. For a comparison both photos are blurred to
// the sharpness of the softer one (basis pair; all to the softest for slopes, basis
// series), and the thresholds are frozen on the baseline at that same sharpness.
// One mask of common skin serves all photos of a zone.
//
// # Sharpness
//
// It is compared at eyes, lashes and brows, which treatment does not change, by
// the ratio of their radially averaged spectra (metrics.RelativeBlur). Measured on
// treated skin, a blur estimate would take smoother skin for defocus and cancel
// the effect.
//
// # Colour
//
// A camera's white balance is not the skin's. Redness is related to reference skin
// of the same photo: that of the manifest, else an untreated zone, else the
// forehead, which may itself have been treated (qualifier relative). The forehead
// itself has no reference and is not judged. Metrics of absolute colour are
// compared only after the reference skin of both photos was made equal.
//
// # Rejected
//
//   - Estimating blur by what maximises the correlation of aligned patches finds
//     twice too much: misregistration and JPEG look like blur.
//   - The mean contrast of the scars that are found in each session hardly falls,
//     since healed ones drop out: the baseline's scars are followed instead.
//   - Number and area of the pores that are found in each session: at the threshold
//     they flicker between two photos of the same skin, and pores that shrink drop
//     out as well, so that a change of 30 % shows as 40 and more. Nor places of the
//     baseline alone, which its noise has chosen: the pores of all sessions are
//     followed instead, see segment.FollowPores. Choosing them by their mean strength
//     has a smaller error, but hides up to half of the loss where pores are gone.
//   - SIFT for frontal faces: pupils give a start within 2 % of their distance,
//     from which dense flow finds the rest. Views without pupils use it.
//   - pigo's pupil cascade draws from the global random source, so that the same
//     photo gives other bytes each time; the iris search here does not.
package pipeline
