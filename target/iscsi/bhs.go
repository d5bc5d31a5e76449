package iscsi

// BHS is a basic header segment (RFC 7143 §11.2.1).
type BHS [48]byte
