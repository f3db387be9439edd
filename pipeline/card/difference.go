package card

import "math"

// Difference is the colour difference CIEDE2000 of two CIELAB colours, weights 1
// (CIE 142-2001; written after Sharma, Wu and Dalal 2005, Color Res Appl 30:21).
func Difference(p, q [3]float64) float64 {
	const deg = math.Pi / 180
	pow7 := func(x float64) float64 { return x * x * x * x * x * x * x }
	c1, c2 := math.Hypot(p[1], p[2]), math.Hypot(q[1], q[2])
	c7 := pow7((c1 + c2) / 2)
	g := 1.5 - 0.5*math.Sqrt(c7/(c7+pow7(25)))
	a1, a2 := g*p[1], g*q[1]
	c1, c2 = math.Hypot(a1, p[2]), math.Hypot(a2, q[2])
	hue := func(a, b float64) float64 {
		if a == 0 && b == 0 {
			return 0
		}
		h := math.Atan2(b, a) / deg
		if h < 0 {
			h += 360
		}
		return h
	}
	const straight = 180 + 1e-9 // opposite hues are 180 apart, whatever is rounded
	h1, h2 := hue(a1, p[2]), hue(a2, q[2])
	dl, dc, dh := q[0]-p[0], c2-c1, h2-h1
	mean := h1 + h2
	switch {
	case c1*c2 == 0:
		dh = 0
	case math.Abs(h2-h1) <= straight:
		mean /= 2
	case mean < 360:
		mean = (mean + 360) / 2
	default:
		mean = (mean - 360) / 2
	}
	if dh > straight {
		dh -= 360
	} else if dh < -straight {
		dh += 360
	}
	dH := 2 * math.Sqrt(c1*c2) * math.Sin(dh/2*deg)
	l, c := (p[0]+q[0])/2, (c1+c2)/2
	t := 1 - 0.17*math.Cos((mean-30)*deg) + 0.24*math.Cos(2*mean*deg) + 0.32*math.Cos((3*mean+6)*deg) - 0.20*math.Cos((4*mean-63)*deg)
	sl := 1 + 0.015*(l-50)*(l-50)/math.Sqrt(20+(l-50)*(l-50))
	sc, sh := 1+0.045*c, 1+0.015*c*t
	turn := 60 * math.Exp(-(mean-275)/25*(mean-275)/25)
	rt := -math.Sin(turn*deg) * 2 * math.Sqrt(pow7(c)/(pow7(c)+pow7(25)))
	return math.Sqrt(dl*dl/sl/sl + dc*dc/sc/sc + dH*dH/sh/sh + rt*dc/sc*dH/sh)
}
