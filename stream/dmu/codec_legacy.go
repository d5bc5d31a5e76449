package dmu

// LZJB and ZLE are of old pools: blocks in them are read, and never written.

// unpackLZJB reads LZJB: a byte of eight marks, then for each a byte as it is (0), or a copy
// of 3 to 66 bytes from up to 1023 bytes before (1), as 6 bits of length and 10 of distance.
func unpackLZJB(_ *Codec, dst, src []byte) error {
	in, out := 0, 0
	var marks byte
	for mark := 0; out < len(dst); mark = (mark + 1) % 8 {
		if mark == 0 {
			if in >= len(src) {
				return errShort
			}
			marks = src[in]
			in++
		}
		if marks>>mark&1 == 0 {
			if in >= len(src) {
				return errShort
			}
			dst[out] = src[in]
			in, out = in+1, out+1
			continue
		}
		if in+2 > len(src) {
			return errShort
		}
		length := int(src[in]>>2) + 3
		back := int(src[in]&3)<<8 | int(src[in+1])
		in += 2
		if back == 0 || back > out {
			return errBefore
		}
		for ; length > 0 && out < len(dst); length-- {
			dst[out] = dst[out-back]
			out++
		}
	}
	return nil
}

// zleLevel is the longest run of bytes as they are.
const zleLevel = 64

// unpackZLE reads ZLE: a byte n below 64 goes before n+1 bytes as they are, any other stands
// for n-63 zeros.
func unpackZLE(_ *Codec, dst, src []byte) error {
	for len(dst) > 0 {
		if len(src) == 0 {
			return errShort
		}
		n := int(src[0]) + 1
		src = src[1:]
		if n > zleLevel {
			n = min(n-zleLevel, len(dst))
			clear(dst[:n])
			dst = dst[n:]
			continue
		}
		if n > len(dst) {
			return errLong
		}
		if n > len(src) {
			return errShort
		}
		copy(dst, src[:n])
		dst, src = dst[n:], src[n:]
	}
	return nil
}
