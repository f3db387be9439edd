package metrics

import (
	"math"
	"slices"
)

// madToSD makes the median absolute deviation of normal data its standard
// deviation: 1/Phi^-1(3/4).
const madToSD = 1.4826022185056018

// MedianPixels is the median of finite values; NaN of none. It reorders x.
func MedianPixels(x []float32) float64 { return QuantilePixels(x, 0.5) }

// MADPixels gives the median and the median absolute deviation from it, times
// 1.4826 so that normal data give their standard deviation. Of no values both
// are NaN. It overwrites x.
func MADPixels(x []float32) (median, mad float64) {
	median = MedianPixels(x)
	for i, v := range x {
		x[i] = float32(math.Abs(float64(v) - median))
	}
	return median, madToSD * MedianPixels(x)
}

// QuantilePixels is the p-quantile of finite values, interpolated between order
// statistics (type 7 of Hyndman and Fan 1996); p is clamped to [0, 1]. NaN of no
// values. It reorders x, and takes time proportional to its length.
func QuantilePixels(x []float32, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	at := float64(len(x)-1) * min(max(p, 0), 1)
	k := int(at)
	low := float64(selectNth(x, k))
	if frac := at - float64(k); frac > 0 {
		high := float64(slices.Min(x[k+1:]))
		return low + frac*(high-low)
	}
	return low
}

// trimmedMean is the mean of finite values, at least one, without the share trim
// (below 0.5) of the smallest and of the largest. It reorders x.
func trimmedMean(x []float32, trim float64) float64 {
	cut := int(trim * float64(len(x)))
	selectNth(x, cut)
	x = x[cut:]
	selectNth(x, len(x)-1-cut)
	sum := 0.0
	for _, v := range x[:len(x)-cut] {
		sum += float64(v)
	}
	return sum / float64(len(x)-cut)
}

// selectNth brings the k-th smallest value to x[k], smaller ones before it and
// larger ones behind it. Quickselect with a median-of-three pivot; a part that
// resists is sorted, so that no input takes quadratic time.
func selectNth(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1
	for range 64 {
		if hi-lo < 12 {
			break
		}
		a, b, c := x[lo], x[(lo+hi)/2], x[hi]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	slices.Sort(x[lo : hi+1])
	return x[k]
}
