package main

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// FuzzPoints reads any file as a table of points: numbers, or an error with the place.
func FuzzPoints(f *testing.F) {
	for _, s := range []string{"subject,view,x,y\nP1,front,1,2.5\n", "x,y,view,subject\nNaN,1e999,front,P1\n", "subject,view,x\n", "", "subject,view,x,y\nP1,front,1\n", "subject,view,x,y\n\"P1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		points, err := readPoints("p.csv", bytes.NewReader(data))
		if err != nil {
			if len(points) > 0 || !strings.HasPrefix(err.Error(), "p.csv") {
				t.Errorf("%d points beside %v", len(points), err)
			}
			return
		}
		for _, p := range points {
			if x, y := p.Point.X, p.Point.Y; math.IsNaN(x+y) || math.IsInf(x, 0) || math.IsInf(y, 0) {
				t.Errorf("%+v", p)
			}
		}
		// Carried nowhere, they make a table that can be read.
		if table := carriedTable([]result.CarriedPoint{{Subject: points[0].Subject, X: result.Number(points[0].Point.X)}}); len(table) == 0 {
			t.Error("no table")
		}
	})
}
