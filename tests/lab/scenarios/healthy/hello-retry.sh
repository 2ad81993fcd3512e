how="TLS 1.3 with a HelloRetryRequest: the server's OpenSSL allows secp521r1 only. Captured at the client."
peers="xfreerdp 2.11.7, xrdp 0.9.21"
play() {
    printf '%s\n' 'openssl_conf = c' '[c]' 'ssl_conf = s' '[s]' 'system_default = d' '[d]' 'Groups = P-521' >"$WORK/openssl.cnf"
    certificate server
    export OPENSSL_CONF=$WORK/openssl.cnf
    xrdp_start
    unset OPENSSL_CONF
    capture client
    healthy_session $SERVER4 /sec:tls
}
