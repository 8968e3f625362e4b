<?php
// The identity provider. A key that is announced (next.pem) is published beside the current one, but does not sign yet.
$dir = getenv('SSP_DIR');
$idp = [
    'host' => '__DEFAULT__',
    'auth' => 'people',
    'privatekey' => 'current.key',
    'certificate' => 'current.pem',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'saml20.sign.response' => true,
    'saml20.sign.assertion' => true,
    'sign.logout' => true,
    'redirect.sign' => true,
    'validate.authnrequest' => true,    // what Crossgate signs is really checked
    'validate.logout' => true,
    'redirect.validate' => true,
    'SingleSignOnServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'SingleLogoutServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'NameIDFormat' => [
        'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
        'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    ],
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    'authproc' => [
        1 => ['class' => 'saml:AttributeNameID', 'attribute' => 'mail',
            'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'],
        2 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'],
        3 => ['class' => 'saml:TransientNameID'],
        90 => ['class' => 'core:AttributeMap', 'name2oid'],
    ],
];
if (is_file("$dir/cert/next.pem")) {
    $idp += ['new_privatekey' => 'next.key', 'new_certificate' => 'next.pem'];
}
$metadata['http://127.0.0.1:' . getenv('SSP_PORT') . '/saml2/idp/metadata.php'] = $idp;
