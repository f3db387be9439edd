// Package dicom reads and writes the files of DICOM that hold one photograph or one
// document (PS3.10), as far as photographs of skin need it.
package dicom

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// ErrFormat is wrapped by every error about a file.
var ErrFormat = errors.New("DICOM")

func bad(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, a...))
}

// Tag is group and element of an attribute.
type Tag uint32

// String is (gggg,eeee).
func (t Tag) String() string { return fmt.Sprintf("(%04x,%04x)", uint32(t)>>16, uint32(t)&0xffff) }

// Attributes (PS3.6) that are read or written.
const (
	metaLength        Tag = 0x00020000
	metaVersion       Tag = 0x00020001
	metaSOPClass      Tag = 0x00020002
	metaSOPInstance   Tag = 0x00020003
	TransferSyntaxUID Tag = 0x00020010
	metaImplementUID  Tag = 0x00020012
	metaImplementName Tag = 0x00020013

	SpecificCharacterSet      Tag = 0x00080005
	ImageType                 Tag = 0x00080008
	SOPClassUID               Tag = 0x00080016
	SOPInstanceUID            Tag = 0x00080018
	StudyDate                 Tag = 0x00080020
	AcquisitionDate           Tag = 0x00080022
	ContentDate               Tag = 0x00080023
	AcquisitionDateTime       Tag = 0x0008002a
	StudyTime                 Tag = 0x00080030
	AcquisitionTime           Tag = 0x00080032
	ContentTime               Tag = 0x00080033
	AccessionNumber           Tag = 0x00080050
	Modality                  Tag = 0x00080060
	ConversionType            Tag = 0x00080064
	Manufacturer              Tag = 0x00080070
	ReferringPhysicianName    Tag = 0x00080090
	TimezoneOffsetFromUTC     Tag = 0x00080201
	StudyDescription          Tag = 0x00081030
	SeriesDescription         Tag = 0x0008103e
	ManufacturerModelName     Tag = 0x00081090
	AnatomicRegion            Tag = 0x00082218
	CodeValue                 Tag = 0x00080100
	CodingSchemeDesignator    Tag = 0x00080102
	CodeMeaning               Tag = 0x00080104
	PatientName               Tag = 0x00100010
	PatientID                 Tag = 0x00100020
	PatientBirthDate          Tag = 0x00100030
	PatientSex                Tag = 0x00100040
	PatientIdentityRemoved    Tag = 0x00120062
	DeidentificationMethod    Tag = 0x00120063
	LongitudinalOffset        Tag = 0x00120052
	LongitudinalEvent         Tag = 0x00120053
	SoftwareVersions          Tag = 0x00181020
	StudyInstanceUID          Tag = 0x0020000d
	SeriesInstanceUID         Tag = 0x0020000e
	StudyID                   Tag = 0x00200010
	SeriesNumber              Tag = 0x00200011
	InstanceNumber            Tag = 0x00200013
	PatientOrientation        Tag = 0x00200020
	Laterality                Tag = 0x00200060
	ImageComments             Tag = 0x00204000
	SamplesPerPixel           Tag = 0x00280002
	PhotometricInterpretation Tag = 0x00280004
	PlanarConfiguration       Tag = 0x00280006
	NumberOfFrames            Tag = 0x00280008
	Rows                      Tag = 0x00280010
	Columns                   Tag = 0x00280011
	PixelSpacing              Tag = 0x00280030
	BitsAllocated             Tag = 0x00280100
	BitsStored                Tag = 0x00280101
	HighBit                   Tag = 0x00280102
	PixelRepresentation       Tag = 0x00280103
	BurnedInAnnotation        Tag = 0x00280301
	RecognizableFeatures      Tag = 0x00280302
	ICCProfile                Tag = 0x00282000
	LossyImageCompression     Tag = 0x00282110
	LossyRatio                Tag = 0x00282112
	LossyMethod               Tag = 0x00282114
	AcquisitionContext        Tag = 0x00400555
	ConceptNameCode           Tag = 0x0040a043
	DocumentTitle             Tag = 0x00420010
	EncapsulatedDocument      Tag = 0x00420011
	MIMEType                  Tag = 0x00420012
	EncapsulatedLength        Tag = 0x00420015
	PixelData                 Tag = 0x7fe00010
)

// Transfer syntaxes (PS3.5, 10).
const (
	ImplicitLE   = "1.2.840.10008.1.2"
	ExplicitLE   = "1.2.840.10008.1.2.1"
	JPEGBaseline = "1.2.840.10008.1.2.4.50"
	JPEGExtended = "1.2.840.10008.1.2.4.51"
	JPEG2000Only = "1.2.840.10008.1.2.4.90" // lossless
	JPEG2000     = "1.2.840.10008.1.2.4.91"
)

// otherSyntaxes are known, to name them.
var otherSyntaxes = map[string]string{
	"1.2.840.10008.1.2.1.99": "deflated", "1.2.840.10008.1.2.2": "big endian", "1.2.840.10008.1.2.5": "RLE",
	"1.2.840.10008.1.2.4.57": "lossless JPEG", "1.2.840.10008.1.2.4.70": "lossless JPEG",
	"1.2.840.10008.1.2.4.80": "JPEG-LS", "1.2.840.10008.1.2.4.81": "JPEG-LS",
	"1.2.840.10008.1.2.4.100": "MPEG-2 film", "1.2.840.10008.1.2.4.102": "MPEG-4 film", "1.2.840.10008.1.2.4.201": "HTJ2K",
}

// Classes of objects (PS3.4, B.5).
const (
	SecondaryCapture = "1.2.840.10008.5.1.4.1.1.7"
	VLPhotographic   = "1.2.840.10008.5.1.4.1.1.77.1.4"
	EncapsulatedPDF  = "1.2.840.10008.5.1.4.1.1.104.1"
)

// otherClasses are known, to name them.
var otherClasses = map[string]string{
	"1.2.840.10008.5.1.4.1.1.1": "a radiograph", "1.2.840.10008.5.1.4.1.1.1.1": "a radiograph", "1.2.840.10008.5.1.4.1.1.2": "computed tomography",
	"1.2.840.10008.5.1.4.1.1.4": "magnetic resonance", "1.2.840.10008.5.1.4.1.1.6.1": "ultrasound", "1.2.840.10008.5.1.4.1.1.128": "PET",
	"1.2.840.10008.5.1.4.1.1.77.1.1": "endoscopy", "1.2.840.10008.5.1.4.1.1.77.1.2": "microscopy", "1.2.840.10008.5.1.4.1.1.77.1.3": "slide microscopy",
	"1.2.840.10008.5.1.4.1.1.77.1.6": "slide microscopy", "1.2.840.10008.5.1.4.1.1.77.1.7": "dermoscopy, a close-up through a dermatoscope",
	"1.2.840.10008.5.1.4.1.1.77.1.5.1": "a photograph of the retina", "1.2.840.10008.5.1.4.1.1.77.1.4.1": "film", EncapsulatedPDF: "a PDF document",
}

// ClassName says what an object of a class is, for a reader.
func ClassName(uid string) string {
	if name := otherClasses[uid]; name != "" {
		return name
	}
	return "an object of class " + uid
}

// SyntaxName names a transfer syntax, for a reader.
func SyntaxName(uid string) string {
	if name := otherSyntaxes[uid]; name != "" {
		return name
	}
	return "transfer syntax " + uid
}

// UID is the identifier that belongs to a text: below the root 2.25, the first 128
// bits of its hash (PS3.5, B.2). The same text always has the same.
func UID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "2.25." + new(big.Int).SetBytes(sum[:16]).String()
}
