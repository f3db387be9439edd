package metrics

import "math"

// SRGBToLinear turns an sRGB value in [0, 1] into linear light in [0, 1]
// (IEC 61966-2-1).
func SRGBToLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// LinearToSRGB is the inverse of [SRGBToLinear].
func LinearToSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// xyz holds the rows of the matrix from linear sRGB to XYZ (IEC 61966-2-1, D65).
var xyz = [3][3]float64{
	{0.4124564, 0.3575761, 0.1804375},
	{0.2126729, 0.7151522, 0.0721750},
	{0.0193339, 0.1191920, 0.9503041},
}

// LinearToLab turns linear sRGB, 1 being display white, into CIELAB under D65:
// L in [0, 100] for displayable colours, a and b in about [-110, 110]. White is
// exactly (100, 0, 0): the white point is the sum of the matrix's rows
// (CIE 015:2018).
func LinearToLab(r, g, b float64) (l, a, bb float64) {
	var f [3]float64
	for i, m := range xyz {
		f[i] = labF((m[0]*r + m[1]*g + m[2]*b) / (m[0] + m[1] + m[2]))
	}
	return 116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
}

// labF is the companding of CIELAB: a cube root with a linear foot.
func labF(t float64) float64 {
	const d = 6.0 / 29
	if t > d*d*d {
		return math.Cbrt(t)
	}
	return t/(3*d*d) + 4.0/29
}

// ITA is the individual typology angle in degrees, (-180, 180], from L* and b*:
// above 55 very light, above 41 light, above 28 intermediate, above 10 tan,
// above -30 brown, else dark (Chardon 1991, Del Bino 2013).
func ITA(l, b float64) float64 { return math.Atan2(l-50, b) * 180 / math.Pi }
