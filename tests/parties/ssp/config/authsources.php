<?php
// The people of the identity provider; users.json has them, so that tests and provider share one list.
$people = json_decode(file_get_contents(getenv('SSP_DIR') . '/users.json'), true);
$config = ['admin' => ['core:AdminPassword'], 'people' => ['exampleauth:UserPass'] + $people];
