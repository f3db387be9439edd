package reading

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
)

//go:embed sheet.html
var sheetText string

//go:embed sheet.css
var sheetStyle string

var sheetTemplate = template.Must(template.New("sheet").Parse(sheetText))

// sheetPage is a printable page of one pair: both pictures, the instructions of the
// scale and fields to fill in. It fetches nothing.
func sheetPage(code string, s Scale, shown [2][]byte) ([]byte, error) {
	sum := sha256.Sum256([]byte(sheetStyle))
	type picture struct {
		Side string
		Src  template.HTMLAttr
	}
	data := struct {
		Code, Policy string
		Style        template.CSS
		Scale        Scale
		Pictures     []picture
		Fields       []string
	}{Code: code, Scale: s, Style: template.CSS(sheetStyle), Fields: s.photos(),
		Policy: "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"}
	for i, side := range []string{left, right} {
		// Base64 only, so it is safe without escaping.
		data.Pictures = append(data.Pictures, picture{side, template.HTMLAttr(`src="data:image/jpeg;base64,` + base64.StdEncoding.EncodeToString(shown[i]) + `"`)})
	}
	var b bytes.Buffer
	err := sheetTemplate.Execute(&b, data)
	return b.Bytes(), err
}
