package card

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Columns and rows of the chart as it is read: dark skin first, the neutrals last.
const (
	Columns = 6
	Rows    = 4
	Patches = Columns * Rows
)

// Reference is the true colour of the patches: CIELAB, D50, 2 degree observer.
type Reference struct {
	Name string
	Lab  [Patches][3]float64
}

// The classic chart as its maker publishes it: of charts made from November 2014 on,
// and of those before.
var (
	Classic2014 = Reference{"classic-2014", [Patches][3]float64{
		{37.54, 14.37, 14.92}, {64.66, 19.27, 17.50}, {49.32, -3.82, -22.54}, {43.46, -12.74, 22.72}, {54.94, 9.61, -24.79}, {70.48, -32.26, -0.37},
		{62.73, 35.83, 56.50}, {39.43, 10.75, -45.17}, {50.57, 48.64, 16.67}, {30.10, 22.54, -20.87}, {71.77, -24.13, 58.19}, {71.51, 18.24, 67.37},
		{28.37, 15.42, -49.80}, {54.38, -39.72, 32.27}, {42.43, 51.05, 28.62}, {81.80, 2.67, 80.41}, {50.63, 51.28, -14.12}, {49.57, -29.71, -28.32},
		{95.19, -1.03, 2.93}, {81.29, -0.57, 0.44}, {66.89, -0.75, -0.06}, {50.76, -0.13, 0.14}, {35.63, -0.46, -0.48}, {20.64, 0.07, -0.46},
	}}
	Classic = Reference{"classic", [Patches][3]float64{
		{37.986, 13.555, 14.059}, {65.711, 18.130, 17.810}, {49.927, -4.880, -21.925}, {43.139, -13.095, 21.905}, {55.112, 8.844, -25.399}, {70.719, -33.397, -0.199},
		{62.661, 36.067, 57.096}, {40.020, 10.410, -45.964}, {51.124, 48.239, 16.248}, {30.325, 22.976, -21.587}, {72.532, -23.709, 57.255}, {71.941, 19.363, 67.857},
		{28.778, 14.179, -50.297}, {55.261, -38.342, 31.370}, {42.101, 53.378, 28.190}, {81.733, 4.039, 79.819}, {51.935, 49.986, -14.574}, {51.038, -28.631, -28.638},
		{96.539, -0.425, 1.186}, {81.257, -0.638, -0.335}, {66.766, -0.734, -0.504}, {50.867, -0.153, -0.270}, {35.656, -0.421, -1.231}, {20.461, -0.079, -0.973},
	}}
)

// firstNeutral is the index of the white patch; the greys follow.
const firstNeutral = 18

// ReadReference reads the user's own measurement of a chart: a CSV with the columns
// patch (1 to 24, dark skin first, row by row), L, a, b (CIELAB, D50). Order does not
// matter; a patch that is missing, twice there or out of range is an error with its
// line.
func ReadReference(name string, data []byte) (Reference, error) {
	ref := Reference{Name: name}
	bad := func(line int, format string, a ...any) (Reference, error) {
		return ref, fmt.Errorf("%s:%d: %s; expected a table patch,L,a,b with the patches 1 to %d, CIELAB for D50", name, line, fmt.Sprintf(format, a...), Patches)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return bad(1, "no table")
	}
	var column [4]int
	for i, want := range []string{"patch", "l", "a", "b"} {
		column[i] = slices.IndexFunc(head, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), want) })
		if column[i] < 0 {
			return bad(1, "no column %s", want)
		}
	}
	seen := [Patches]bool{}
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		line, _ := r.FieldPos(0)
		if err != nil {
			return bad(line, "%v", err)
		}
		k, err := strconv.Atoi(strings.TrimSpace(row[column[0]]))
		if err != nil || k < 1 || k > Patches {
			return bad(line, "patch %q", row[column[0]])
		}
		if seen[k-1] {
			return bad(line, "patch %d is there twice", k)
		}
		seen[k-1] = true
		for c := range 3 {
			v, err := strconv.ParseFloat(strings.TrimSpace(row[column[c+1]]), 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 128 || c == 0 && (v < 0 || v > 100) {
				return bad(line, "%s %q", []string{"L", "a", "b"}[c], row[column[c+1]])
			}
			ref.Lab[k-1][c] = v
		}
	}
	if k := slices.Index(seen[:], false); k >= 0 {
		line, _ := r.FieldPos(0)
		return bad(line, "patch %d is missing", k+1)
	}
	for k := firstNeutral; k < Patches-1; k++ {
		if ref.Lab[k][0] <= ref.Lab[k+1][0] || math.Hypot(ref.Lab[k][1], ref.Lab[k][2]) > 10 {
			return bad(1, "patches %d to %d are not neutral from white to black", firstNeutral+1, Patches)
		}
	}
	return ref, nil
}

// d50toD65 adapts XYZ by the Bradford transform.
var d50toD65 = [3][3]float64{
	{0.9555766, -0.0230393, 0.0631636},
	{-0.0282895, 1.0099416, 0.0210077},
	{0.0122982, -0.0204830, 1.3299098},
}

// xyzToLinear is that of sRGB (IEC 61966-2-1).
var xyzToLinear = [3][3]float64{
	{3.2404542, -1.5371385, -0.4985314},
	{-0.9692660, 1.8760108, 0.0415560},
	{0.0556434, -0.2040259, 1.0572252},
}

// Linear is the colour of a patch in linear sRGB (D65), white 1; colours beyond sRGB
// have a channel below 0.
func (r *Reference) Linear(patch int) [3]float64 {
	l := r.Lab[patch]
	fy := (l[0] + 16) / 116
	inverse := func(f float64) float64 {
		if f > 6.0/29 {
			return f * f * f
		}
		return 3 * (6.0 / 29) * (6.0 / 29) * (f - 4.0/29)
	}
	xyz := [3]float64{0.96422 * inverse(fy+l[1]/500), inverse(fy), 0.82521 * inverse(fy-l[2]/200)}
	return mul(xyzToLinear, mul(d50toD65, xyz))
}

func mul(m [3][3]float64, v [3]float64) (out [3]float64) {
	for i := range m {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

// AllLinear is [Reference.Linear] of all patches.
func (r *Reference) AllLinear() (out [Patches][3]float64) {
	for k := range out {
		out[k] = r.Linear(k)
	}
	return out
}
