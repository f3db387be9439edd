package validate

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// Truth is what is true about one person's photos, by session.
type Truth struct {
	Photos  map[string]Photo
	Objects map[string][]Object
	Grid    map[string][]GridPoint        // the same points in the same order in every session
	Excess  map[string]map[string]float64 // by session and zone: erythema index above skin that is not red
	Scars   map[string]map[string]float64 // by session and zone: number of scars
	Factor  map[string]map[string]float64 // by session and property, relative to baseline
}

// Photo is the camera's part of the truth.
type Photo struct {
	PxPerMM float64
	Pupils  [2][2]float64 // left and right in the picture, px
}

// PupilDistance is the distance of the pupils in the photo, px.
func (p Photo) PupilDistance() float64 {
	return math.Hypot(p.Pupils[1][0]-p.Pupils[0][0], p.Pupils[1][1]-p.Pupils[0][1])
}

// Object is one true thing on the skin.
type Object struct {
	Kind, Type, Zone    string
	X, Y                float64 // px
	DiameterMM, AreaMM2 float64
	Visible             bool
}

// GridPoint is a point of the surface in one photo.
type GridPoint struct {
	Zone    string
	X, Y    float64
	Visible bool
}

// LoadTruth reads the tables of one person. Of replicates the first photo counts.
func LoadTruth(dir string) (*Truth, error) {
	t := &Truth{Photos: map[string]Photo{}, Objects: map[string][]Object{}, Grid: map[string][]GridPoint{},
		Excess: map[string]map[string]float64{}, Scars: map[string]map[string]float64{}, Factor: map[string]map[string]float64{}}
	first := map[string]string{} // photo of a session
	steps := []struct {
		file string
		row  func(r row)
	}{
		{"photos.csv", func(r row) {
			s := r.text("session")
			if first[s] != "" {
				return
			}
			first[s] = r.text("photo")
			t.Photos[s] = Photo{PxPerMM: r.number("px_per_mm"), Pupils: [2][2]float64{
				{r.number("left_x"), r.number("left_y")}, {r.number("right_x"), r.number("right_y")}}}
		}},
		{"objects.csv", func(r row) {
			if s := r.text("session"); first[s] == r.text("photo") {
				t.Objects[s] = append(t.Objects[s], Object{Kind: r.text("kind"), Type: r.text("type"), Zone: r.text("zone"),
					X: r.number("x_px"), Y: r.number("y_px"), DiameterMM: r.number("diameter_mm"), AreaMM2: r.number("area_mm2"),
					Visible: r.text("visible") == "true"})
			}
		}},
		{"grid.csv", func(r row) {
			if s := r.text("session"); first[s] == r.text("photo") {
				t.Grid[s] = append(t.Grid[s], GridPoint{Zone: r.text("zone"), X: r.number("x_px"), Y: r.number("y_px"), Visible: r.text("visible") == "true"})
			}
		}},
		{"zones.csv", func(r row) {
			put(t.Excess, r.text("session"), r.text("zone"), r.number("ei_excess"))
			put(t.Scars, r.text("session"), r.text("zone"), r.number("scars"))
		}},
		{"change.csv", func(r row) { put(t.Factor, r.text("session"), r.text("property"), r.number("factor")) }},
	}
	for _, s := range steps {
		if err := eachRow(filepath.Join(dir, s.file), s.row); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func put(m map[string]map[string]float64, a, b string, v float64) {
	if m[a] == nil {
		m[a] = map[string]float64{}
	}
	m[a][b] = v
}

// row is a line of a table, by the name of its column. The first cell that cannot
// be read is kept as the error.
type row struct {
	column map[string]int
	cells  []string
	err    *error
}

func (r row) text(name string) string {
	i, ok := r.column[name]
	if !ok {
		if *r.err == nil {
			*r.err = fmt.Errorf("no column %s", name)
		}
		return ""
	}
	return r.cells[i]
}

func (r row) number(name string) float64 {
	v, err := strconv.ParseFloat(r.text(name), 64)
	if err != nil && *r.err == nil {
		*r.err = fmt.Errorf("column %s: %w", name, err)
	}
	return v
}

// eachRow calls f with every line of a CSV.
func eachRow(name string, f func(row)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(lines) == 0 {
		return fmt.Errorf("%s: empty", name)
	}
	column := map[string]int{}
	for i, c := range lines[0] {
		column[c] = i
	}
	for _, cells := range lines[1:] {
		if f(row{column, cells, &err}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
