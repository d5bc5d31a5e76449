# Every way to log in: digests, CHAP both ways; and who is turned away.
. /out/check.sh
check initiator initiator
dd if=/dev/urandom of=/tmp/image bs=1M count=32 2>/dev/null

# there_and_back IQN: 32 MiB out and in again through the page-cache-free path
there_and_back() {
	dd if=/tmp/image of="$(disk "$1" 0)" bs=1M oflag=direct &&
		dd if="$(disk "$1" 0)" bs=1M count=32 iflag=direct | cmp - /tmp/image
}

digest=node.conn[0].iscsi
auth=node.session.auth
for digests in None,None CRC32C,None None,CRC32C CRC32C,CRC32C; do
	check "login, digests $digests" login "$IQN" $digest.HeaderDigest "${digests%,*}" $digest.DataDigest "${digests#*,}"
	check "header digest of $digests is in force" says "HeaderDigest: ${digests%,*}" iscsiadm -m session -P 2
	check "data digest of $digests is in force" says "DataDigest: ${digests#*,}" iscsiadm -m session -P 2
	check "an image there and back, digests $digests" there_and_back "$IQN"
	check "logout, digests $digests" logout "$IQN"
done

# iscsiadm's exit status: 24, the target refused; 19, the initiator did.
chap="$auth.authmethod CHAP $auth.username $INITIATOR $auth.password"
check 'CHAP target without CHAP' fails 24 login "$IQN_CHAP"
check 'CHAP target, wrong secret' fails 24 login "$IQN_CHAP" $chap not-the-secret-1
check 'CHAP target' login "$IQN_CHAP" $chap "$SECRET"
check 'an image there and back, CHAP' there_and_back "$IQN_CHAP"
check 'CHAP logout' logout "$IQN_CHAP"

mutual="$chap $SECRET $auth.username_in $TARGET_USER $auth.password_in"
check 'mutual CHAP, the target does not know the secret' fails 19 login "$IQN_MUTUAL" $mutual not-the-secret-2
check 'mutual CHAP' login "$IQN_MUTUAL" $mutual "$TARGET_SECRET" $digest.HeaderDigest CRC32C $digest.DataDigest CRC32C
check 'an image there and back, mutual CHAP and both digests' there_and_back "$IQN_MUTUAL"
check 'mutual CHAP logout' logout "$IQN_MUTUAL"
