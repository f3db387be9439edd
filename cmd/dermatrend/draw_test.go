package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dermatrend/dermatrend/fixtures"
)

// draw makes the photos of the scripts: draw KIND FILE [args...]
//
//	face FILE PERSON [PERCENT]   a portrait, with so much of all that treatment changes
//	two FILE FROM OTHER          a photo and a smaller one beside it
//	mirrored FILE FROM           a photo the wrong way round
//	cut FILE FROM                the first half of a file
//	wall FILE                    nobody
//	black FILE                   a lens cap
//	pixel FILE                   one pixel
//	huge FILE                    a PNG that claims 60000 x 60000 pixels
//	bomb FILE                    a small file of 100 megapixels
func draw(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: draw KIND FILE [args...]")
	}
	data, err := drawing(args[0], args[2:], ts)
	ts.Check(err)
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[1])), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

const width, height = 480, 640

func drawing(kind string, args []string, ts *testscript.TestScript) ([]byte, error) {
	switch {
	case kind == "face" && len(args) == 1:
		return portrait(args[0], "100")
	case kind == "face" && len(args) == 2:
		return portrait(args[0], args[1])
	case kind == "two" && len(args) == 2:
		large, err := read(ts, args[0])
		if err != nil {
			return nil, err
		}
		small, err := read(ts, args[1])
		if err != nil {
			return nil, err
		}
		m := image.NewRGBA(image.Rect(0, 0, width*5/3, height))
		for y := range height {
			for x := range width * 5 / 3 {
				if x < width {
					m.Set(x, y, large.At(x, y))
				} else {
					m.Set(x, y, small.At((x-width)*3/2, y*3/2))
				}
			}
		}
		return encode(m)
	case kind == "mirrored" && len(args) == 1:
		p, err := read(ts, args[0])
		if err != nil {
			return nil, err
		}
		m := image.NewRGBA(p.Bounds())
		for y := range height {
			for x := range width {
				m.Set(width-1-x, y, p.At(x, y))
			}
		}
		return encode(m)
	case kind == "wall":
		m := image.NewGray(image.Rect(0, 0, width, height))
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range m.Pix {
			m.Pix[i] = uint8(150 + rng.IntN(20))
		}
		return encode(m)
	case kind == "black":
		return encode(image.NewGray(image.Rect(0, 0, width, height)))
	case kind == "pixel":
		m := image.NewGray(image.Rect(0, 0, 1, 1))
		m.SetGray(0, 0, color.Gray{Y: 200})
		return encode(m)
	case kind == "huge":
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
			return nil, err
		}
		// The header chunk follows the signature: length, name, width, height. Its
		// checksum covers the name and 13 bytes.
		data := b.Bytes()
		binary.BigEndian.PutUint32(data[16:], 60000)
		binary.BigEndian.PutUint32(data[20:], 60000)
		binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
		return data, nil
	case kind == "bomb":
		var b bytes.Buffer
		err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 10_000, 10_000)), &jpeg.Options{Quality: 50})
		return b.Bytes(), err
	case kind == "cut" && len(args) == 1:
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		return data[:len(data)/2], err
	}
	return nil, fmt.Errorf("draw cannot %s %q", kind, args)
}

// portraits that were rendered already, by person and state of the skin: scripts
// share them, since a rendering takes seconds with the race detector.
var portraits sync.Map

// portrait renders one of the people who do not exist, by number, with so many
// per cent of all that treatment changes.
func portrait(person, percent string) ([]byte, error) {
	once, _ := portraits.LoadOrStore(person+" "+percent, sync.OnceValues(func() ([]byte, error) {
		seed, err := strconv.ParseUint(person, 10, 64)
		if err != nil {
			return nil, err
		}
		left, err := strconv.ParseFloat(percent, 64)
		if err != nil {
			return nil, err
		}
		s := fixtures.NewSubject(seed, fixtures.Intermediate)
		return fixtures.Render(s, fixtures.All(left/100), fixtures.Portrait(width, height)).JPEG(time.Time{})
	}))
	return once.(func() ([]byte, error))()
}

func read(ts *testscript.TestScript, file string) (image.Image, error) {
	data, err := os.ReadFile(ts.MkAbs(file))
	if err != nil {
		return nil, err
	}
	return jpeg.Decode(bytes.NewReader(data))
}

func encode(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 92})
	return b.Bytes(), err
}
