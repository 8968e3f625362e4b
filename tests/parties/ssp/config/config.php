<?php
// SimpleSAMLphp as an identity provider in PHP's own web server. Everything it writes goes to SSP_DIR.
$dir = getenv('SSP_DIR');
$port = getenv('SSP_PORT');
$base = "http://127.0.0.1:$port/";

$config = [
    'baseurlpath' => $base,
    'application' => ['baseURL' => $base],
    'certdir' => "$dir/cert/",
    'loggingdir' => "$dir/",
    'datadir' => "$dir/data/",
    'tempdir' => "$dir/tmp/",
    'metadatadir' => dirname(__DIR__) . '/metadata',
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
    'metadata.sources' => [['type' => 'flatfile']],
    'metadata.sign.enable' => false,

    'secretsalt' => "salt-of-$port",
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'admin.protectindexpage' => true,
    'admin.protectmetadata' => false,
    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'tests@example.org',
    'timezone' => 'UTC',
    'production' => false,
    'showerrors' => true,
    'errorreporting' => false,
    'debug' => ['saml' => true, 'backtraces' => true, 'validatexml' => false],
    'logging.level' => SimpleSAML\Logger::DEBUG,
    'logging.handler' => 'file',
    'logging.logfile' => 'idp.log',

    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'authproc.idp' => [],
    'authproc.sp' => [],
    'trusted.url.domains' => null,      // where a logout may return to
    'proxy' => null,

    // Cookies know no ports: each instance on this address needs names of its own.
    'store.type' => 'phpsession',
    'session.duration' => 28800,
    'session.datastore.timeout' => 14400,
    'session.state.timeout' => 3600,
    'session.cookie.name' => "SSP$port",
    'session.cookie.lifetime' => 0,
    'session.cookie.path' => '/',
    'session.cookie.domain' => null,
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.cookiename' => "SSPSession$port",
    'session.phpsession.savepath' => "$dir/sessions",
    'session.phpsession.httponly' => true,
    'session.authtoken.cookiename' => "SSPAuth$port",
    'language.cookie.name' => "ssplang$port",
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'language.available' => ['en'],
    'language.default' => 'en',
    'theme.use' => 'default',
    'usenewui' => false,
    'assets' => ['caching' => ['max_age' => 86400, 'etag' => false]],
];
