<?php
// Each service provider is one file sp/*.xml with its metadata, and maybe options on top in sp/*.json beside it.
// Read at each request, so that a test can change what the identity provider does without a restart.
foreach (glob(getenv('SSP_DIR') . '/sp/*.xml') as $file) {
    $options = preg_replace('/xml$/', 'json', $file);
    $extra = is_file($options) ? json_decode(file_get_contents($options), true) : [];
    foreach (\SimpleSAML\Metadata\SAMLParser::parseDescriptorsFile($file) as $entity) {
        $sp = $entity->getMetadata20SP();
        if ($sp) {
            unset($sp['entityDescriptor'], $sp['expire']);
            $metadata[$sp['entityid']] = array_merge($sp, $extra);
        }
    }
}
