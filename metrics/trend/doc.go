// Package trend is the statistics of one person's series and of a cohort. It
// takes slices of numbers and returns small structs; it knows no photos, no
// zones and no files.
//
// # One person
//
// With three or four sessions no rank test can reach p < 0.05, so a claim about
// one person rests on the measurement error: [SDC], [ReliableChange],
// [KnownSEMSlope], and [HolmLimits] for a family of zones. [TheilSen] and
// [MannKendall] describe a series and stand beside the claim, never in its place.
//
// # A cohort
//
// [SignedRank], [SignFlip], [MannWhitney], [Friedman] and [Page] are exact where the
// size allows and conditional on the ties that were observed; each result says
// whether it is exact. [FitMixed] and [SlopeSummary] estimate the mean slope,
// [Regress] the effect of a covariate, [Proportion] a share, [BCa] gives an interval
// for anything else. [Holm] and [BenjaminiHochberg] adjust.
//
// # Undefined is not zero
//
// Every function returns either finite numbers or an error that wraps one of the
// sentinels of this package. Missing values are the caller's to leave out: a NaN
// in an argument is an error.
//
// # Why not gonum for these
//
// gonum.org/v1/gonum/stat.Kendall counts ties as concordant (a constant series
// gives +1) and stat.Quantile at 0.5 is not the median, so order statistics are
// this package's own. Distributions, matrices and minimisers are gonum's.
package trend
