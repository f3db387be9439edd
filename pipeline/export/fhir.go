package export

import "encoding/json"

// The parts of FHIR R4 (4.0.1) that an export uses, by
// https://hl7.org/fhir/R4/resourcelist.html. Numbers are json.Number, so that the
// digits are those of the tables.

// fhirBase stands before the names of code systems and of resources. It names
// them; nothing is fetched from there.
const fhirBase = "https://github.com/dermatrend/dermatrend/fhir/"

type coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

type reference struct {
	Reference string `json:"reference"`
}

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type quantity struct {
	Value  json.Number `json:"value"`
	Unit   string      `json:"unit,omitempty"`
	System string      `json:"system"`
	Code   string      `json:"code"`
}

type annotation struct {
	Text string `json:"text"`
}

type patient struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Identifier   []identifier `json:"identifier"`
}

type device struct {
	ResourceType string          `json:"resourceType"`
	ID           string          `json:"id"`
	Status       string          `json:"status"`
	DeviceName   []deviceName    `json:"deviceName"`
	Type         concept         `json:"type"`
	Version      []deviceVersion `json:"version"`
}

type deviceName struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type deviceVersion struct {
	Component *identifier `json:"component,omitempty"`
	Value     string      `json:"value"`
}

type media struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Status       string       `json:"status"`
	Type         concept      `json:"type"`
	View         concept      `json:"view"`
	Subject      reference    `json:"subject"`
	BodySite     concept      `json:"bodySite"`
	Content      attachment   `json:"content"`
	Note         []annotation `json:"note,omitempty"`
}

// attachment has no data and no address: the photo does not leave.
type attachment struct {
	Title string `json:"title"`
}

type observation struct {
	ResourceType         string       `json:"resourceType"`
	ID                   string       `json:"id"`
	Status               string       `json:"status"`
	Category             []concept    `json:"category"`
	Code                 concept      `json:"code"`
	Subject              reference    `json:"subject"`
	ValueQuantity        *quantity    `json:"valueQuantity,omitempty"`
	ValueCodeableConcept *concept     `json:"valueCodeableConcept,omitempty"`
	DataAbsentReason     *concept     `json:"dataAbsentReason,omitempty"`
	Interpretation       []concept    `json:"interpretation,omitempty"`
	Note                 []annotation `json:"note,omitempty"`
	BodySite             *concept     `json:"bodySite,omitempty"`
	Method               *concept     `json:"method,omitempty"`
	Device               *reference   `json:"device,omitempty"`
	DerivedFrom          []reference  `json:"derivedFrom,omitempty"`
	Component            []component  `json:"component,omitempty"`
}

type component struct {
	Code             concept   `json:"code"`
	ValueQuantity    *quantity `json:"valueQuantity,omitempty"`
	ValueString      string    `json:"valueString,omitempty"`
	DataAbsentReason *concept  `json:"dataAbsentReason,omitempty"`
}

type provenance struct {
	ResourceType string      `json:"resourceType"`
	ID           string      `json:"id"`
	Target       []reference `json:"target"`
	Recorded     string      `json:"recorded"`
	Activity     concept     `json:"activity"`
	Agent        []agent     `json:"agent"`
}

type agent struct {
	Type concept   `json:"type"`
	Who  reference `json:"who"`
}

// entry is one resource of a bundle with what a server is to do with it.
type entry struct {
	FullURL  string  `json:"fullUrl"`
	Resource any     `json:"resource"`
	Request  request `json:"request"`
}

type request struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// put makes the entry that stores a resource under its own id, so that loading an
// export twice changes nothing.
func put(kind, id string, resource any) entry {
	url := kind + "/" + id
	return entry{fhirBase + url, resource, request{"PUT", url}}
}

// own is a concept of a code system of ours.
func own(system, code, display string) concept {
	return concept{Coding: []coding{{fhirBase + "CodeSystem/" + system, code, display}}, Text: display}
}

// standard is a concept of a code system of HL7.
func standard(system, code string) coding {
	return coding{System: "http://terminology.hl7.org/CodeSystem/" + system, Code: code}
}
