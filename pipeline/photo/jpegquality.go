package photo

import "math"

// annexK sums the luminance table of ITU-T T.81, Annex K.1, which the IJG scale of
// quality multiplies.
const annexK = 3688

// JPEGQuality estimates the IJG quality, 1 to 100, from the first quantisation
// table of a JPEG: the inverse of IJG's scaling of the table in Annex K. NaN for
// other data.
func JPEGQuality(d []byte) float64 {
	for i := 2; i+4 <= len(d) && d[i] == 0xff && d[i+1] != 0xda; {
		n := int(d[i+2])<<8 + int(d[i+3])
		if d[i+1] == 0xdb && i+2+n <= len(d) && n >= 67 {
			sum := 0
			if seg := d[i+4 : i+2+n]; seg[0]>>4 == 0 {
				for _, q := range seg[1:65] {
					sum += int(q)
				}
			} else if len(seg) >= 129 {
				for k := range 64 {
					sum += int(seg[1+2*k])<<8 + int(seg[2+2*k])
				}
			}
			percent := 100 * float64(sum) / annexK
			if percent <= 100 {
				return math.Min(100, math.Round(100-percent/2))
			}
			return math.Max(1, math.Round(5000/percent))
		}
		i += 2 + n
	}
	return math.NaN()
}
