// Package nvlist reads and writes packed nvlists: the lists of names and values that ZFS puts
// into send streams and resume tokens. It knows both encodings, native and XDR, either order of
// bytes, and nothing of what a list is for.
//
// Reading order:
//
//	type.go     the table of types
//	list.go     a list, and looking things up in it
//	cursor.go   bounded reading
//	decode.go native.go xdr.go   the encodings
//	print.go    a list as text, the way zstream writes it
//
// # Packing
//
//	0  encoding u8: 0 native, 1 XDR
//	1  order of bytes u8: 1 little-endian, 0 big-endian; XDR is big-endian all the same
//	2  zero [2]
//	4  version i32: 0
//	8  flags u32: 1 where names are unique
//
// and then pairs. A native pair is a multiple of 8 long, in the order of the machine:
//
//	 0  size i32: of the pair; 0 instead of a pair ends the list
//	 4  length of the name i16, with its NUL; zero i16
//	 8  elements i32, type i32
//	16  name, NUL, padding to 8
//	..  value, padding to 8
//
// A string ends with a NUL; an array of strings has 8 bytes for each before the strings. A list
// has 24 bytes (version, flags, 16 of no meaning), and its pairs follow the pair; an array of
// lists has 8 and 24 bytes for each, and their pairs follow in turn.
//
// An XDR pair is made of units of 4 bytes, big-endian:
//
//	 0  size u32: of the pair; 0 twice instead of a pair ends the list
//	 4  size u32: of the pair when it is native, which a receiver allocates
//	 8  length of the name u32, name, padding to 4
//	..  type u32, elements u32
//	..  value
//
// Integers take a unit, or two where they have 8 bytes; strings are their length and bytes,
// arrays of bytes their bytes, arrays of strings one string after the other, and any other
// array that has elements their number and then each. A list is version, flags, pairs, end.
package nvlist
