package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Element is one attribute to be written. Value is a string for text (several values
// are joined by \), int for US, UL and IS, float64 for FD and DS, []byte, or for SQ a
// list of items.
type Element struct {
	Tag   Tag
	VR    string
	Value any
}

// Fragments is the value of packed pixels: the parts behind an empty offset table.
type Fragments [][]byte

// implementation names the program in the files that it writes.
const implementation = "DERMATREND"

// Write makes a file of an object in explicit little endian, pixels packed as the
// syntax says. Elements come in any order. The class and the instance are those of
// the elements.
func Write(syntax string, elements []Element) ([]byte, error) {
	var class, instance string
	for _, e := range elements {
		switch e.Tag {
		case SOPClassUID:
			class, _ = e.Value.(string)
		case SOPInstanceUID:
			instance, _ = e.Value.(string)
		}
	}
	meta, err := encode([]Element{
		{metaVersion, "OB", []byte{0, 1}}, {metaSOPClass, "UI", class}, {metaSOPInstance, "UI", instance},
		{TransferSyntaxUID, "UI", syntax}, {metaImplementUID, "UI", UID(implementation)}, {metaImplementName, "SH", implementation},
	})
	if err != nil {
		return nil, err
	}
	length, err := encode([]Element{{metaLength, "UL", len(meta)}})
	if err != nil {
		return nil, err
	}
	body, err := encode(elements)
	if err != nil {
		return nil, err
	}
	return slices.Concat(make([]byte, 128), []byte("DICM"), length, meta, body), nil
}

func encode(elements []Element) ([]byte, error) {
	elements = slices.Clone(elements)
	slices.SortStableFunc(elements, func(a, b Element) int { return int(int64(a.Tag) - int64(b.Tag)) })
	var out bytes.Buffer
	for i, e := range elements {
		if i > 0 && e.Tag == elements[i-1].Tag {
			return nil, bad("%v is there twice", e.Tag)
		}
		if err := encodeElement(&out, e); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func encodeElement(out *bytes.Buffer, e Element) error {
	le := binary.LittleEndian
	head := le.AppendUint16(le.AppendUint16(nil, uint16(e.Tag>>16)), uint16(e.Tag))
	head = append(head, e.VR...)
	if parts, ok := e.Value.(Fragments); ok {
		out.Write(le.AppendUint32(append(head, 0, 0), undefined))
		for _, part := range append([][]byte{nil}, parts...) {
			part = even(part, 0)
			out.Write(le.AppendUint32(tagBytes(item), uint32(len(part))))
			out.Write(part)
		}
		out.Write(append(tagBytes(sequenceEnd), 0, 0, 0, 0))
		return nil
	}
	value, err := encodeValue(e)
	if err != nil {
		return fmt.Errorf("%v: %w", e.Tag, err)
	}
	if slices.Contains(longVR, e.VR) {
		head = le.AppendUint32(append(head, 0, 0), uint32(len(value)))
	} else if len(value) < 1<<16 {
		head = le.AppendUint16(head, uint16(len(value)))
	} else {
		return bad("%v: %d bytes are too many", e.Tag, len(value))
	}
	out.Write(head)
	out.Write(value)
	return nil
}

func tagBytes(t Tag) []byte {
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, uint16(t>>16)), uint16(t))
}

// even pads a value to an even length, which DICOM asks for.
func even(b []byte, pad byte) []byte {
	if len(b)%2 == 1 {
		b = append(slices.Clone(b), pad)
	}
	return b
}

func encodeValue(e Element) ([]byte, error) {
	le := binary.LittleEndian
	switch v := e.Value.(type) {
	case []byte:
		return even(v, 0), nil
	case string:
		if e.VR == "UI" {
			return even([]byte(v), 0), nil
		}
		return even([]byte(v), ' '), nil
	case int:
		switch e.VR {
		case "US":
			return le.AppendUint16(nil, uint16(v)), nil
		case "UL":
			return le.AppendUint32(nil, uint32(v)), nil
		case "IS":
			return even([]byte(strconv.Itoa(v)), ' '), nil
		}
	case float64:
		switch e.VR {
		case "FD":
			return le.AppendUint64(nil, math.Float64bits(v)), nil
		case "DS": // of 16 characters at most
			return even([]byte(strconv.FormatFloat(v, 'g', 8, 64)), ' '), nil
		}
	case [][]Element:
		var out bytes.Buffer
		for _, elements := range v {
			b, err := encode(elements)
			if err != nil {
				return nil, err
			}
			out.Write(le.AppendUint32(tagBytes(item), uint32(len(b))))
			out.Write(b)
		}
		return out.Bytes(), nil
	}
	return nil, bad("a %T cannot be written as %s", e.Value, e.VR)
}

// Clean is a text as a short one of DICOM may be: no \ and no control characters, at
// most n characters of ASCII.
func Clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), n)]
}
