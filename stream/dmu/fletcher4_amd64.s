#include "textflag.h"

// func addAVX2(l *lanes, p []byte)
//
// Each step widens four words of 32 bits to 64 and carries the four sums of the four lanes on.
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	MOVQ    l+0(FP), DI
	MOVQ    p_base+8(FP), SI
	MOVQ    p_len+16(FP), CX
	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	SUBQ    $64, CX
	JLT     rest

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
