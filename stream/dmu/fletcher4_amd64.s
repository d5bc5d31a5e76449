#include "textflag.h"

// func lanesAVX2(p []byte, lanes *[4][4]uint64)
//
// Each step widens four words of 32 bits to 64 and carries the four sums of the four lanes on.
TEXT ·lanesAVX2(SB), NOSPLIT, $0-32
	MOVQ  p_base+0(FP), SI
	MOVQ  p_len+8(FP), CX
	MOVQ  lanes+24(FP), DI
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	SUBQ  $64, CX
	JLT   rest

four:
	VPMOVZXDQ (SI), Y4
	VPMOVZXDQ 16(SI), Y5
	VPMOVZXDQ 32(SI), Y6
	VPMOVZXDQ 48(SI), Y7
	VPADDQ    Y4, Y0, Y0
	VPADDQ    Y0, Y1, Y1
	VPADDQ    Y1, Y2, Y2
	VPADDQ    Y2, Y3, Y3
	VPADDQ    Y5, Y0, Y0
	VPADDQ    Y0, Y1, Y1
	VPADDQ    Y1, Y2, Y2
	VPADDQ    Y2, Y3, Y3
	VPADDQ    Y6, Y0, Y0
	VPADDQ    Y0, Y1, Y1
	VPADDQ    Y1, Y2, Y2
	VPADDQ    Y2, Y3, Y3
	VPADDQ    Y7, Y0, Y0
	VPADDQ    Y0, Y1, Y1
	VPADDQ    Y1, Y2, Y2
	VPADDQ    Y2, Y3, Y3
	ADDQ      $64, SI
	SUBQ      $64, CX
	JGE       four

rest:
	ADDQ $64, CX

one:
	SUBQ      $16, CX
	JLT       done
	VPMOVZXDQ (SI), Y4
	VPADDQ    Y4, Y0, Y0
	VPADDQ    Y0, Y1, Y1
	VPADDQ    Y1, Y2, Y2
	VPADDQ    Y2, Y3, Y3
	ADDQ      $16, SI
	JMP       one

done:
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VZEROUPPER
	RET
