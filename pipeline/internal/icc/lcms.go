package icc

// #cgo pkg-config: lcms2
// #include <lcms2.h>
// #include <stdlib.h>
//
// // The transform of a profile to sRGB: relative colorimetric, as cameras mean
// // their profiles. NULL where Little CMS cannot make one.
// static cmsHTRANSFORM dt_to_srgb(const void *profile, cmsUInt32Number n, cmsUInt32Number in, cmsUInt32Number flags) {
// 	cmsHPROFILE src = cmsOpenProfileFromMem(profile, n);
// 	if (!src) return NULL;
// 	cmsHPROFILE dst = cmsCreate_sRGBProfile();
// 	cmsHTRANSFORM t = NULL;
// 	if (dst) {
// 		t = cmsCreateTransform(src, in, dst, TYPE_RGB_8, INTENT_RELATIVE_COLORIMETRIC, flags);
// 		cmsCloseProfile(dst);
// 	}
// 	cmsCloseProfile(src);
// 	return t;
// }
//
// // A matrix profile of version 4. xy are white, red, green, blue; gamma 0 is the
// // curve of sRGB (IEC 61966-2-1). The caller frees the result.
// static void *dt_rgb(const double *xy, double gamma, cmsUInt32Number *n) {
// 	cmsCIExyY white = {xy[0], xy[1], 1};
// 	cmsCIExyYTRIPLE primaries = {{xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}};
// 	double srgb[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
// 	cmsToneCurve *c = gamma > 0 ? cmsBuildGamma(NULL, gamma) : cmsBuildParametricToneCurve(NULL, 4, srgb);
// 	if (!c) return NULL;
// 	cmsToneCurve *curves[3] = {c, c, c};
// 	void *out = NULL;
// 	cmsHPROFILE p = cmsCreateRGBProfile(&white, &primaries, curves);
// 	if (p && cmsSaveProfileToMem(p, NULL, n) && (out = malloc(*n)) && !cmsSaveProfileToMem(p, out, n)) {
// 		free(out);
// 		out = NULL;
// 	}
// 	if (p) cmsCloseProfile(p);
// 	cmsFreeToneCurve(c);
// 	return out;
// }
import "C"

import (
	"runtime"
	"unsafe"
)

// Profile is an opened profile. It is closed by its owner.
type Profile struct {
	Space Space
	data  []byte
	t     [2]C.cmsHTRANSFORM // from 8 and from 16 bits
}

// Open checks a profile and prepares its conversion. The error, where it is none
// that a photo can have, says why.
func Open(data []byte) (*Profile, error) {
	space, err := header(data)
	if err != nil {
		return nil, err
	}
	p := &Profile{Space: space, data: data}
	if p.t[0] = p.transform(1); p.t[0] == nil {
		return nil, bad("%q cannot be used for a conversion", Name(data))
	}
	return p, nil
}

func (p *Profile) transform(bytes int) C.cmsHTRANSFORM {
	in := map[Space][2]C.cmsUInt32Number{
		Grey: {C.TYPE_GRAY_8, C.TYPE_GRAY_16}, RGB: {C.TYPE_RGB_8, C.TYPE_RGB_16}, CMYK: {C.TYPE_CMYK_8, C.TYPE_CMYK_16},
	}[p.Space][bytes-1]
	flags := C.cmsUInt32Number(0)
	if bytes == 2 {
		// Its table for 16 bits is off by up to 8 of 255, that for 8 bits by less than 1.
		flags = C.cmsFLAGS_NOOPTIMIZE
	}
	return C.dt_to_srgb(unsafe.Pointer(&p.data[0]), C.cmsUInt32Number(len(p.data)), in, flags)
}

// Close frees the profile.
func (p *Profile) Close() {
	for i, t := range p.t {
		if t != nil {
			C.cmsDeleteTransform(t)
			p.t[i] = nil
		}
	}
}

// ToSRGB converts 8-bit values, of as many channels as the space has, to sRGB, three
// bytes a pixel. src and dst may be the same where the space is RGB. Colours that
// sRGB does not have are clipped.
func (p *Profile) ToSRGB(dst, src []byte) error {
	return p.convert(p.t[0], dst, unsafe.Pointer(unsafe.SliceData(src)), len(src), 1)
}

// ToSRGB16 is ToSRGB for 16-bit values.
func (p *Profile) ToSRGB16(dst []byte, src []uint16) error {
	if p.t[1] == nil {
		if p.t[1] = p.transform(2); p.t[1] == nil {
			return bad("%q cannot be used for 16-bit values", Name(p.data))
		}
	}
	return p.convert(p.t[1], dst, unsafe.Pointer(unsafe.SliceData(src)), len(src), 2)
}

func (p *Profile) convert(t C.cmsHTRANSFORM, dst []byte, src unsafe.Pointer, values, bytes int) error {
	n := len(dst) / 3
	if n == 0 || len(dst) != 3*n || values != n*int(p.Space) {
		return bad("%d values of %d channels for %d bytes of sRGB", values, p.Space, len(dst))
	}
	const step = 1 << 20 // pixels: well within the 32 bits of Little CMS
	for at := 0; at < n; at += step {
		C.cmsDoTransform(t, unsafe.Add(src, at*bytes*int(p.Space)), unsafe.Pointer(&dst[3*at]), C.cmsUInt32Number(min(step, n-at)))
	}
	runtime.KeepAlive(p)
	return nil
}

// sameAsSRGB is how far, in 8-bit values, a profile may lead from sRGB to be taken
// for it: the profiles that cameras and programs embed as sRGB round their curves.
const sameAsSRGB = 3

// IsSRGB tells whether the profile is sRGB by what it does, whatever its name.
func (p *Profile) IsSRGB() bool {
	if p.Space != RGB {
		return false
	}
	var src []byte
	for r := 0; r <= 255; r += 15 {
		for g := 0; g <= 255; g += 15 {
			for b := 0; b <= 255; b += 15 {
				src = append(src, byte(r), byte(g), byte(b))
			}
		}
	}
	dst := make([]byte, len(src))
	if p.ToSRGB(dst, src) != nil {
		return false
	}
	for i := range src {
		if d := int(src[i]) - int(dst[i]); d < -sameAsSRGB || d > sameAsSRGB {
			return false
		}
	}
	return true
}

// Colours are the chromaticities x, y of an RGB space and its gamma; 0 is the curve
// of sRGB.
type Colours struct {
	White, Red, Green, Blue [2]float64
	Gamma                   float64
}

// The spaces that photos come in, besides sRGB.
var (
	// AdobeRGB is that of Adobe RGB (1998), 4.3: gamma 2.19921875.
	AdobeRGB = Colours{[2]float64{0.3127, 0.3290}, [2]float64{0.64, 0.33}, [2]float64{0.21, 0.71}, [2]float64{0.15, 0.06}, 2 + 51.0/256}
	// DisplayP3 has the primaries of SMPTE RP 431-2 and the white and curve of sRGB.
	DisplayP3 = Colours{[2]float64{0.3127, 0.3290}, [2]float64{0.680, 0.320}, [2]float64{0.265, 0.690}, [2]float64{0.150, 0.060}, 0}
)

// Make is a profile of an RGB space.
func Make(c Colours) ([]byte, error) {
	xy := [8]C.double{}
	for i, v := range [4][2]float64{c.White, c.Red, c.Green, c.Blue} {
		xy[2*i], xy[2*i+1] = C.double(v[0]), C.double(v[1])
	}
	var n C.cmsUInt32Number
	m := C.dt_rgb(&xy[0], C.double(c.Gamma), &n)
	if m == nil {
		return nil, bad("none can be made of %v", c)
	}
	defer C.free(m)
	p := C.GoBytes(m, C.int(n))
	// Little CMS writes the time of day (ICC.1 7.2.8) and, of it, no more.
	clear(p[24:36])
	return p, nil
}
