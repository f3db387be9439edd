// Package export makes tables and files of results that may leave the clinic for
// research: CSV and Parquet tables with a codebook, FHIR R4 bundles, a REDCap import
// with its data dictionary, and pictures as DICOM.
//
// # Who is in it
//
// The caller decides, by consent; this package writes down how many were left out
// and why, without naming them.
//
// # What is taken away
//
// A person becomes a code, which only the key file beside the export resolves; a
// date becomes the day since baseline; a session becomes S00, S01, ... in order of
// time; a photo becomes the number of its replicate; a year of birth becomes an age
// band. Coordinates of pores, scars and marks are left out: their pattern is as
// good as a fingerprint to whoever has another photo of that face. No hash of an
// input is written.
//
// Pictures leave as DICOM only, which is exported by itself: a code does not hide a
// face, so that another consent is asked for.
//
// # Text
//
// No text that a user wrote, or that may quote one, is copied. Reasons become codes
// of a closed list ([Reasons]); names of views and zones are kept where they are
// those of the tool and become codes where they are the user's own; covariates are
// exported only where the user names them, and then only values that have the shape
// of a category or a number.
//
// # The same bytes
//
// The same results, the same key and the same day give the same bytes. Persons are
// in the order of their codes, so that the order tells nothing either.
package export
