#include "textflag.h"

// Each step widens words of 32 bits to 64, and carries the four sums of the lanes on.

#define STEP(words, a, b, c, d) \
	VPADDQ words, a, a \
	VPADDQ a, b, b     \
	VPADDQ b, c, c     \
	VPADDQ c, d, d

// func addAVX2(l *lanes, p []byte)
//
// Lanes 0 to 3 are in Y0 to Y3, lanes 4 to 7 in Y4 to Y7.
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	MOVQ    l+0(FP), DI
	MOVQ    p_base+8(FP), SI
	MOVQ    p_len+16(FP), CX
	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y4
	VMOVDQU 64(DI), Y1
	VMOVDQU 96(DI), Y5
	VMOVDQU 128(DI), Y2
	VMOVDQU 160(DI), Y6
	VMOVDQU 192(DI), Y3
	VMOVDQU 224(DI), Y7

two:
	SUBQ      $64, CX
	JLT       rest
	VPMOVZXDQ (SI), Y8
	VPMOVZXDQ 16(SI), Y9
	VPMOVZXDQ 32(SI), Y10
	VPMOVZXDQ 48(SI), Y11
	STEP(Y8, Y0, Y1, Y2, Y3)
	STEP(Y9, Y4, Y5, Y6, Y7)
	STEP(Y10, Y0, Y1, Y2, Y3)
	STEP(Y11, Y4, Y5, Y6, Y7)
	ADDQ      $64, SI
	JMP       two

rest:
	ADDQ      $32, CX
	JLT       done
	VPMOVZXDQ (SI), Y8
	VPMOVZXDQ 16(SI), Y9
	STEP(Y8, Y0, Y1, Y2, Y3)
	STEP(Y9, Y4, Y5, Y6, Y7)

done:
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y4, 32(DI)
	VMOVDQU Y1, 64(DI)
	VMOVDQU Y5, 96(DI)
	VMOVDQU Y2, 128(DI)
	VMOVDQU Y6, 160(DI)
	VMOVDQU Y3, 192(DI)
	VMOVDQU Y7, 224(DI)
	VZEROUPPER
	RET

// func addAVX512(l *lanes, p []byte)
TEXT ·addAVX512(SB), NOSPLIT, $0-32
	MOVQ      l+0(FP), DI
	MOVQ      p_base+8(FP), SI
	MOVQ      p_len+16(FP), CX
	VMOVDQU64 0(DI), Z0
	VMOVDQU64 64(DI), Z1
	VMOVDQU64 128(DI), Z2
	VMOVDQU64 192(DI), Z3

four:
	SUBQ      $128, CX
	JLT       rest
	VPMOVZXDQ (SI), Z4
	VPMOVZXDQ 32(SI), Z5
	VPMOVZXDQ 64(SI), Z6
	VPMOVZXDQ 96(SI), Z7
	STEP(Z4, Z0, Z1, Z2, Z3)
	STEP(Z5, Z0, Z1, Z2, Z3)
	STEP(Z6, Z0, Z1, Z2, Z3)
	STEP(Z7, Z0, Z1, Z2, Z3)
	ADDQ      $128, SI
	JMP       four

rest:
	ADDQ $128, CX

one:
	SUBQ      $32, CX
	JLT       done
	VPMOVZXDQ (SI), Z4
	STEP(Z4, Z0, Z1, Z2, Z3)
	ADDQ      $32, SI
	JMP       one

done:
	VMOVDQU64 Z0, 0(DI)
	VMOVDQU64 Z1, 64(DI)
	VMOVDQU64 Z2, 128(DI)
	VMOVDQU64 Z3, 192(DI)
	VZEROUPPER
	RET
