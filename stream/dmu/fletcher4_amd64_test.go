package dmu

import "golang.org/x/sys/cpu"

// adders are the ways to sum that this processor has.
func adders() map[string]func(*lanes, []byte) {
	all := map[string]func(*lanes, []byte){"plain": (*lanes).addPlain, "any": (*lanes).add}
	if cpu.X86.HasAVX2 {
		all["avx2"] = addAVX2
	}
	if cpu.X86.HasAVX512F {
		all["avx512"] = addAVX512
	}
	return all
}
